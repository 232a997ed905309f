using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Img2Pose.Monitor.Configuration;

namespace Img2Pose.Monitor.Safety;

/// <summary>Who somebody is, for one request.</summary>
/// <param name="Name">The user or token.</param>
/// <param name="Role">What they may do.</param>
/// <param name="Proof">What a changing request of a page must carry besides its cookie; null for tokens, which no page has by itself.</param>
internal sealed record Identity(string Name, Role Role, string? Proof);

/// <summary>
/// Users, their sessions, and tokens for programs. A session is known by a random key in a cookie, of which only a digest is kept here;
/// it ends after twelve hours without use, or with the program. Thread-safe.
/// </summary>
internal sealed class Accounts : IDisposable
{
    private static readonly TimeSpan s_idle = TimeSpan.FromHours(12);
    private const int MostSessions = 1000;

    private readonly ConcurrentDictionary<string, Session> _sessions = new(StringComparer.Ordinal);
    private readonly TimeProvider _clock;
    private readonly string? _administrator;
    private readonly bool _mayBeOpen;
    // Hashing is slow on purpose: one at a time, so that guessing costs the machine one core at most.
    private readonly SemaphoreSlim _hashing = new(1);
    private readonly ConcurrentDictionary<string, Attempts> _attempts = new(StringComparer.Ordinal);
    private readonly string _openProof = Key();
    private volatile Known _known = new([], new Dictionary<string, string>(StringComparer.Ordinal), []);

    /// <param name="administrator">Hash of the password of "admin" that was made at first start; null where users are configured, or none is needed.</param>
    /// <param name="mayBeOpen">Whether nobody has to log in where there are no users: only where nobody else reaches the page, whatever becomes of the configuration.</param>
    /// <param name="clock">Time, another one in tests.</param>
    public Accounts(string? administrator, bool mayBeOpen, TimeProvider? clock = null)
    {
        _administrator = administrator;
        _mayBeOpen = mayBeOpen;
        _clock = clock ?? TimeProvider.System;
    }

    /// <summary>Whether nobody has to say who they are: on the loopback address without users.</summary>
    public bool IsOpen => _mayBeOpen && _administrator is null && _known.Users.Count == 0;

    /// <summary>Takes users and tokens of a configuration; sessions of users that are gone, or have another password or role, end.</summary>
    public void Configure(IReadOnlyList<UserConfiguration> users, IReadOnlyList<TokenConfiguration> tokens)
    {
        Known before = _known;
        Dictionary<string, string> hashes = new(StringComparer.Ordinal);
        foreach (UserConfiguration user in users)
        {
            // Hashed once, not at every reload.
            hashes[user.Name] = before.Users.Contains(user) && before.Hashes.TryGetValue(user.Name, out string? known) ? known : Passwords.Hash(user.Password);
        }
        _known = new Known(users, hashes, [.. tokens.Select(token => (token, Digest(token.Token)))]);
        foreach ((string key, Session session) in _sessions)
        {
            bool stays = session.User == "admin" && _administrator is not null && users.Count == 0 || users.Any(user => user.Name == session.User && user.Role == session.Role && before.Users.Contains(user));
            if (!stays) _sessions.TryRemove(key, out _);
        }
        // A password that is being checked now is of the configuration before: LogInAsync sees that it has changed.
    }

    /// <summary>The identity behind a cookie, or null.</summary>
    public Identity? OfCookie(string? cookie)
    {
        if (IsOpen) return new Identity("local", Role.Admin, _openProof);
        if (string.IsNullOrEmpty(cookie) || !_sessions.TryGetValue(Digest(cookie), out Session? session)) return null;
        DateTimeOffset now = _clock.GetUtcNow();
        if (now - session.Used > s_idle)
        {
            _sessions.TryRemove(Digest(cookie), out _);
            return null;
        }
        session.Used = now;
        return new Identity(session.User, session.Role, session.Proof);
    }

    /// <summary>The identity behind a token, or null.</summary>
    public Identity? OfToken(string token)
    {
        // No configuration has this one; if one had, it would be everybody's.
        if (token.Length == 0) return null;
        string digest = Digest(token);
        foreach ((TokenConfiguration known, string kept) in _known.Tokens)
        {
            if (CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(digest), Encoding.ASCII.GetBytes(kept))) return new Identity($"token {known.Name}", known.Role, null);
        }
        return null;
    }

    /// <summary>Checks name and password; the cookie's value of a new session, or null. Slow on purpose.</summary>
    public async Task<string?> LogInAsync(string user, string password, CancellationToken stop)
    {
        Known known = _known;
        string? hash = known.Hashes.GetValueOrDefault(user) ?? (user == "admin" && known.Users.Count == 0 ? _administrator : null);
        bool matches;
        await _hashing.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            matches = await Task.Run(() => Passwords.Matches(password, hash), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _hashing.Release();
        }
        if (!matches) return null;
        Role role = known.Users.FirstOrDefault(other => other.Name == user)?.Role ?? Role.Admin;
        string key = Key();
        if (_sessions.Count >= MostSessions)
        {
            foreach (string oldest in _sessions.OrderBy(pair => pair.Value.Used).Take(MostSessions / 10).Select(pair => pair.Key)) _sessions.TryRemove(oldest, out _);
        }
        _sessions[Digest(key)] = new Session { User = user, Role = role, Proof = Key(), Used = _clock.GetUtcNow() };
        // Checking takes a while. Configured anew meanwhile, the user may be gone, and the sweep over the sessions over, too.
        if (ReferenceEquals(known, _known)) return key;
        _sessions.TryRemove(Digest(key), out _);
        return null;
    }

    /// <summary>Ends a session.</summary>
    public void LogOut(string? cookie)
    {
        if (!string.IsNullOrEmpty(cookie)) _sessions.TryRemove(Digest(cookie), out _);
    }

    /// <summary>
    /// Whether another password may be tried from an address: five a minute, and fifty a minute in all; else for how long not. A password
    /// that was right does not count: <see cref="TakeBack"/>.
    /// </summary>
    public TimeSpan? MustWait(string address)
    {
        TimeSpan own = _attempts.GetOrAdd(Place(address), _ => new Attempts(5)).Take(_clock.GetUtcNow());
        // Of addresses that nobody counts any more.
        if (_attempts.Count > 10_000) _attempts.Clear();
        TimeSpan all = own > TimeSpan.Zero ? TimeSpan.Zero : _all.Take(_clock.GetUtcNow());
        TimeSpan wait = own > all ? own : all;
        return wait > TimeSpan.Zero ? wait : null;
    }

    private readonly Attempts _all = new(50);

    /// <summary>
    /// The last try from an address was right, and is not counted. The wrong ones before it still are: else who has an account of his own
    /// could guess another's password for ever, logging in between.
    /// </summary>
    public void TakeBack(string address)
    {
        if (_attempts.TryGetValue(Place(address), out Attempts? own)) own.TakeBack();
        _all.TakeBack();
    }

    /// <summary>Who counts as one: an address, or the network of a single connection in IPv6, of which each has millions.</summary>
    private static string Place(string address)
    {
        if (!System.Net.IPAddress.TryParse(address, out System.Net.IPAddress? parsed) || parsed.AddressFamily != System.Net.Sockets.AddressFamily.InterNetworkV6 || parsed.IsIPv4MappedToIPv6) return address;
        return Convert.ToHexString(parsed.GetAddressBytes().AsSpan(0, 8));
    }

    /// <inheritdoc/>
    public void Dispose() => _hashing.Dispose();

    private static string Key() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static string Digest(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    private sealed record Known(IReadOnlyList<UserConfiguration> Users, Dictionary<string, string> Hashes, (TokenConfiguration Token, string Digest)[] Tokens);

    private sealed class Session
    {
        public required string User { get; init; }

        public required Role Role { get; init; }

        public required string Proof { get; init; }

        public DateTimeOffset Used { get; set; }
    }

    /// <summary>Tries within a minute.</summary>
    private sealed class Attempts(int most)
    {
        private readonly List<DateTimeOffset> _times = [];

        public TimeSpan Take(DateTimeOffset now)
        {
            lock (_times)
            {
                _times.RemoveAll(time => now - time >= TimeSpan.FromMinutes(1));
                if (_times.Count >= most) return _times[0] + TimeSpan.FromMinutes(1) - now;
                _times.Add(now);
                return TimeSpan.Zero;
            }
        }

        public void TakeBack()
        {
            lock (_times)
            {
                if (_times.Count > 0) _times.RemoveAt(_times.Count - 1);
            }
        }
    }
}
