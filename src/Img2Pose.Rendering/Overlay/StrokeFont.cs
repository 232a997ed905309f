namespace Img2Pose.Rendering.Overlay;

/// <summary>
/// The project's own lettering for labels: each character is a few straight strokes on a grid four units wide, with capitals
/// and digits from row 0 to the baseline at row 6, small letters from row 2, descenders to row 8. Drawn as lines it is sharp
/// at every size.
/// </summary>
internal static class StrokeFont
{
    /// <summary>Height of a capital in grid units.</summary>
    public const int CapHeight = 6;

    /// <summary>Pairs of grid coordinates, x then y, joined into a line; a space begins a new line.</summary>
    private static string Strokes(char c) => c switch
    {
        '0' => "103041453616050110",
        '1' => "112026 1636",
        '2' => "01103041420646",
        '3' => "0110304142334445361605 1333",
        '4' => "36300444",
        '5' => "400003334445361605",
        '6' => "413010010516364544331304",
        '7' => "004016",
        '8' => "13020110304142331304051636454433",
        '9' => "051636454130100102133342",
        '#' => "1115 3135 0242 0444",
        '.' => "1616",
        '-' => "1333",
        '+' => "0444 2226",
        'a' => "12324346 441405163645",
        'c' => "4332120305163645",
        'h' => "0006 0312324346",
        'i' => "1216 1010",
        'l' => "101526",
        'o' => "123243453616050312",
        'p' => "0208 0312324345361605",
        'r' => "0206 042232",
        't' => "10152636 0232",
        'w' => "0216233642",
        'y' => "0226 4218",
        _ => "",
    };

    /// <summary>Units from the start of a character to the start of the next.</summary>
    public static int Advance(char c) => c switch
    {
        '.' or 'i' or 'l' => 4,
        ' ' => 4,
        '1' or 't' or 'r' or '-' => 5,
        _ => 6,
    };

    /// <summary>Units that a text takes, without the gap after its last character.</summary>
    public static int Width(ReadOnlySpan<char> text)
    {
        int width = 0;
        foreach (char c in text) width += Advance(c);
        return Math.Max(0, width - 2);
    }

    /// <summary>Adds the strokes of a text to a drawing.</summary>
    /// <param name="text">What to write; a character without strokes leaves a gap.</param>
    /// <param name="x">Left edge, display pixels.</param>
    /// <param name="y">Top of the capitals, display pixels.</param>
    /// <param name="unit">Display pixels of a grid unit.</param>
    /// <param name="radius">Half the width of a stroke, display pixels.</param>
    /// <param name="tint">Colour.</param>
    /// <param name="strokes">Receives the strokes.</param>
    public static void Write(ReadOnlySpan<char> text, float x, float y, float unit, float radius, Tint tint, StrokeList strokes)
    {
        foreach (char c in text)
        {
            ReadOnlySpan<char> path = Strokes(c);
            float lastX = 0, lastY = 0;
            bool started = false;
            for (int i = 0; i + 1 < path.Length;)
            {
                if (path[i] == ' ')
                {
                    started = false;
                    i++;
                    continue;
                }
                float nextX = x + (path[i] - '0') * unit, nextY = y + (path[i + 1] - '0') * unit;
                if (started) strokes.Add(lastX, lastY, nextX, nextY, radius, tint);
                (lastX, lastY, started) = (nextX, nextY, true);
                i += 2;
            }
            x += Advance(c) * unit;
        }
    }
}
