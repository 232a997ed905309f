using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Img2Pose.Core;

namespace Img2Pose.Monitor.Safety;

/// <summary>Passwords as they are kept: salted and hashed slowly (PBKDF2, RFC 8018), so that a file that gets out tells none.</summary>
internal static class Passwords
{
    // OWASP's Password Storage Cheat Sheet names 210,000 rounds for PBKDF2 with SHA-512.
    private const int Rounds = 210_000;

    /// <summary>Letters and digits that look like no other.</summary>
    private const string Letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    /// <summary>A password of 115 bits.</summary>
    public static string Create() => RandomNumberGenerator.GetString(Letters, 20);

    /// <summary>What is kept of a password.</summary>
    public static string Hash(string password)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(16);
        return string.Create(CultureInfo.InvariantCulture, $"pbkdf2-sha512${Rounds}${Convert.ToHexStringLower(salt)}${Convert.ToHexStringLower(Derive(password, salt, Rounds))}");
    }

    /// <summary>Whether a password is the one that was hashed. As slow as hashing, whatever it is compared with.</summary>
    public static bool Matches(string password, string? hash)
    {
        string[] parts = (hash ?? s_nobody).Split('$');
        if (parts is not ["pbkdf2-sha512", _, _, _] || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int rounds) || rounds is < 1 or > 10_000_000) return false;
        try
        {
            byte[] derived = Derive(password, Convert.FromHexString(parts[2]), rounds);
            return CryptographicOperations.FixedTimeEquals(derived, Convert.FromHexString(parts[3])) && hash is not null;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    // Nobody's: who is not known takes as long as who is.
    private static readonly string s_nobody = Hash(Create());

    private static byte[] Derive(string password, byte[] salt, int rounds) =>
        Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), salt, rounds, HashAlgorithmName.SHA512, 32);

    /// <summary>
    /// The hash of the first administrator's password, which is made where there is none: the password goes into a file that only this
    /// user reads, never into a log.
    /// </summary>
    /// <param name="folder">The monitor's own folder.</param>
    /// <param name="created">The file with the new password, or null where there was one.</param>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public static string FirstAdministrator(string folder, out string? created)
    {
        string kept = Path.Combine(folder, "admin.hash");
        created = null;
        try
        {
            if (File.Exists(kept) && File.ReadAllText(kept).Trim() is { Length: > 0 } hash) return hash;
            string password = Create();
            created = Path.Combine(folder, "admin-password");
            PrivateFile.Write(created, password + "\n");
            hash = Hash(password);
            PrivateFile.Write(kept, hash + "\n");
            return hash;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.CannotWrite(kept, error);
        }
    }
}

#pragma warning disable CA1416 // The program runs on Linux.
/// <summary>Files that nobody but this user reads.</summary>
internal static class PrivateFile
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes a file whole; it is private from its first byte.</summary>
    public static void Write(string path, string text)
    {
        string temporary = $"{path}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}.tmp";
        try
        {
            using (FileStream file = new(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Mode }))
                file.Write(Encoding.UTF8.GetBytes(text));
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Opens a file to write behind its end; the caller disposes it.</summary>
    public static FileStream Append(string path) =>
        new(path, new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.Read, UnixCreateMode = Mode });
}
