using System.Runtime.InteropServices;

namespace Img2Pose.Testing;

/// <summary>OpenCV's library, which is linked with GTK 3; <c>test.sh</c> installs it.</summary>
public static class Gtk
{
    /// <summary>Skips the test, with the reason, where GTK cannot be loaded.</summary>
    public static void Require() => Assert.SkipUnless(NativeLibrary.TryLoad("libgtk-3.so.0", out _), "GTK 3, which OpenCV's library needs, is not on this machine");
}
