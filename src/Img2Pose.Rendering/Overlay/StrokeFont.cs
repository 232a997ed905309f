namespace Img2Pose.Rendering.Overlay;

// By hand: text is drawn as lines by the GPU, in the pass of the mesh; rasterised fonts would need an atlas and font files.
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
        '/' => "4006",
        ':' => "1313 1616",
        ',' => "1607",
        '(' => "20121426",
        ')' => "10222416",
        '\'' => "1012",
        '_' => "0747",
        '=' => "0343 0545",
        '?' => "01103041422324 2626",
        '!' => "1014 1616",
        '%' => "4006 0101 4545",
        'a' => "12324346 441405163645",
        'b' => "0006 0312324345361605",
        'c' => "4332120305163645",
        'd' => "4046 4332120305163645",
        'e' => "04444332120305163645",
        'f' => "30201116 0232",
        'g' => "4332120305163645 42473818",
        'h' => "0006 0312324346",
        'i' => "1216 1010",
        'j' => "22271808 2020",
        'k' => "0006 3205 1436",
        'l' => "101526",
        'm' => "0206 03122326 23324346",
        'n' => "0206 0312324346",
        'o' => "123243453616050312",
        'p' => "0208 0312324345361605",
        'q' => "4248 4332120305163645",
        'r' => "0206 042232",
        's' => "43321203143445361605",
        't' => "10152636 0232",
        'u' => "0205163645 4246",
        'v' => "022642",
        'w' => "0216233642",
        'x' => "0246 4206",
        'y' => "0226 4218",
        'z' => "02420646",
        // There are no capitals: names of sources are read as well without.
        >= 'A' and <= 'Z' => Strokes((char)(c | 0x20)),
        _ => "",
    };

    /// <summary>Units from the start of a character to the start of the next.</summary>
    public static int Advance(char c) => c switch
    {
        '.' or 'i' or 'l' or ':' or ',' or '(' or ')' or '\'' or '!' => 4,
        ' ' => 4,
        '1' or 't' or 'r' or '-' or 'f' or 'j' or 'k' => 5,
        >= 'A' and <= 'Z' => Advance((char)(c | 0x20)),
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
