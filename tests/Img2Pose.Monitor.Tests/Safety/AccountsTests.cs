using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Safety;


namespace Img2Pose.Monitor.Tests.Safety;

public sealed class AccountsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-accounts").FullName;

    private static CancellationToken Never => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_first_password_goes_into_a_private_file_and_only_its_hash_is_used()
    {
        string hash = Passwords.FirstAdministrator(_folder, out string? file);

        string password = (await File.ReadAllTextAsync(file!, Never)).Trim();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file!));
        Assert.DoesNotContain(password, hash);
        Assert.Equal(20, password.Length);
        using Accounts accounts = new(hash, mayBeOpen: false);
        accounts.Configure([], []);
        Assert.False(accounts.IsOpen);
        string? cookie = await accounts.LogInAsync("admin", password, Never);
        Assert.Equal(Role.Admin, accounts.OfCookie(cookie)!.Role);
        // The second start makes no other.
        File.Delete(file!);
        Assert.Equal(hash, Passwords.FirstAdministrator(_folder, out string? again));
        Assert.Null(again);
    }

    [Theory]
    [InlineData("anna", "another password")]
    [InlineData("admin", "a long password")]
    [InlineData("nobody", "a long password")]
    public async Task Who_is_not_known_is_not_let_in(string user, string password)
    {
        using Accounts accounts = new(null, mayBeOpen: true);
        accounts.Configure([new UserConfiguration("anna", Role.Viewer, "a long password")], []);

        Assert.Null(await accounts.LogInAsync(user, password, Never));
        Assert.Null(accounts.OfCookie("0123"));
        Assert.Null(accounts.OfCookie(null));
    }

    [Fact]
    public async Task A_session_ends_with_its_user_with_another_role_and_with_logging_out()
    {
        using Accounts accounts = new(null, mayBeOpen: true);
        UserConfiguration anna = new("anna", Role.Admin, "a long password"), ben = new("ben", Role.Viewer, "another password");
        accounts.Configure([anna, ben], []);
        string one = (await accounts.LogInAsync("anna", anna.Password, Never))!, two = (await accounts.LogInAsync("ben", ben.Password, Never))!, three = (await accounts.LogInAsync("ben", ben.Password, Never))!;

        accounts.LogOut(three);
        Assert.Null(accounts.OfCookie(three));
        accounts.Configure([anna with { Role = Role.Viewer }, ben], []);
        Assert.Null(accounts.OfCookie(one));
        Assert.NotNull(accounts.OfCookie(two));
        accounts.Configure([anna], []);
        Assert.Null(accounts.OfCookie(two));
    }

    [Fact]
    public void Only_where_nobody_else_reaches_it_it_is_open_whatever_becomes_of_the_configuration()
    {
        using Accounts near = new(null, mayBeOpen: true), far = new(null, mayBeOpen: false);
        foreach (Accounts accounts in new[] { near, far })
        {
            accounts.Configure([new UserConfiguration("anna", Role.Admin, "a long password")], []);
            Assert.False(accounts.IsOpen);
            accounts.Configure([], []);
        }

        Assert.Equal(Role.Admin, near.OfCookie(null)!.Role);
        Assert.Null(far.OfCookie(null));
    }

    [Fact]
    public void Tokens_have_their_role_and_no_proof()
    {
        using Accounts accounts = new(null, mayBeOpen: true);
        accounts.Configure([], [new TokenConfiguration("script", Role.Operator, "0123456789abcdef0123456789abcdef")]);

        Identity identity = accounts.OfToken("0123456789abcdef0123456789abcdef")!;

        Assert.Equal(("token script", Role.Operator, null), (identity.Name, identity.Role, identity.Proof));
        Assert.Null(accounts.OfToken("0123456789abcdef0123456789abcdeg"));
        accounts.Configure([], [new TokenConfiguration("blank", Role.Admin, "")]);
        Assert.Null(accounts.OfToken(""));
    }

    [Fact]
    public void Guessing_is_held_back_for_the_guesser_and_in_all()
    {
        MovingClock clock = new();
        using Accounts accounts = new("x", mayBeOpen: false, clock);

        Assert.All(Enumerable.Range(0, 5), _ => Assert.Null(accounts.MustWait("10.0.0.1")));
        Assert.InRange(accounts.MustWait("10.0.0.1")!.Value.TotalSeconds, 1, 60);
        Assert.Null(accounts.MustWait("10.0.0.2"));
        int others = 0;
        for (int i = 0; i < 100; i++) others += accounts.MustWait($"10.0.1.{i}") is null ? 1 : 0;
        Assert.Equal(44, others);
        clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Null(accounts.MustWait("10.0.0.1"));
        // All of one connection's IPv6 addresses are one guesser.
        Assert.All(Enumerable.Range(0, 5), i => Assert.Null(accounts.MustWait($"2001:db8:1:2::{i}")));
        Assert.NotNull(accounts.MustWait("2001:db8:1:2:3::9"));
        // One was right: one more.
        accounts.TakeBack("2001:db8:1:2::1");
        Assert.Null(accounts.MustWait("2001:db8:1:2:3::9"));
        Assert.NotNull(accounts.MustWait("2001:db8:1:2:3::9"));
        Assert.Null(accounts.MustWait("2001:db8:1:3::9"));
    }

    [Fact]
    public async Task A_session_that_is_not_used_for_twelve_hours_ends()
    {
        MovingClock clock = new();
        using Accounts accounts = new(null, mayBeOpen: true, clock);
        accounts.Configure([new UserConfiguration("anna", Role.Viewer, "a long password")], []);
        string cookie = (await accounts.LogInAsync("anna", "a long password", Never))!;

        clock.Advance(TimeSpan.FromHours(11));
        Assert.NotNull(accounts.OfCookie(cookie));
        clock.Advance(TimeSpan.FromHours(13));
        Assert.Null(accounts.OfCookie(cookie));
    }

    [Fact]
    public void The_audit_log_is_private_keeps_its_lines_and_begins_another_file_when_it_is_long()
    {
        using AuditLog log = new(_folder, message => Assert.Fail(message));
        for (int i = 0; i < 3; i++) log.Note("anna", "10.0.0.1", "login", $"{i}\n\"x\"");

        Assert.Equal(3, log.Last(10).Count);
        Assert.Contains("\"detail\":\"2\\n", log.Last(1)[0]);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_folder, "audit.jsonl")));
        for (int i = 0; i < 30_000; i++) log.Note("anna", "10.0.0.1", "login", new string('x', 300));
        Assert.True(File.Exists(Path.Combine(_folder, "audit.jsonl.1")));
    }

    [Fact]
    public void Nothing_that_somebody_sends_keeps_an_act_out_of_the_audit_log_or_makes_two_of_it()
    {
        using (AuditLog log = new(_folder, message => Assert.Fail(message)))
        {
            // A character of two halves lies where the text is cut; another half stands alone.
            log.Note("an\ud83dna", "10.0.0.1", "refused", new string('x', 299) + "\ud83d\ude00");
            log.Note(null, "10.0.0.1", "login failed", "x\",\"act\":\"login\"}\n{\"act\":\"forged\"}");
        }
        // As when the power fails.
        File.AppendAllText(Path.Combine(_folder, "audit.jsonl"), "{\"time\":\"2026");
        using AuditLog again = new(_folder, message => Assert.Fail(message));
        again.Note("bob", "10.0.0.1", "logout");

        Assert.Collection(again.Last(10),
            line => Assert.Contains("\"act\":\"logout\"", line),
            line => Assert.Contains("\"act\":\"login failed\"", line),
            line => Assert.Contains("\"act\":\"refused\"", line));
    }

    [Fact]
    public async Task A_user_who_is_removed_while_the_password_is_checked_gets_no_session()
    {
        UserConfiguration ann = new("ann", Role.Operator, "a long password"), bob = new("bob", Role.Viewer, "another password");
        using Accounts accounts = new(null, mayBeOpen: false);
        accounts.Configure([ann, bob], []);

        // Hashing takes long enough for the configuration to come first, mostly; either way she is out.
        Task<string?> logIn = accounts.LogInAsync("ann", "a long password", TestContext.Current.CancellationToken);
        accounts.Configure([bob], []);

        Assert.Null(accounts.OfCookie(await logIn));
    }
}
