using Img2Pose.Geometry;

namespace Img2Pose.Training.Augmentation;

/// <summary>
/// Draws things that young detectors take for faces: skulls, masks and smileys as they are printed on shirts, dials with
/// ticks and hands, and lettering. They are never labelled, so they teach "no face".
/// </summary>
internal static class Decoys
{
    private const int Ticks = 12;

    /// <summary>Half the diagonal of a drawing's square, over half its side.</summary>
    private const double Reach = 1.45;

    /// <summary>Draws one to three of them where no face is.</summary>
    /// <param name="scene">The sample; faces that are added later may cover a decoy.</param>
    /// <param name="random">The sample's random numbers.</param>
    public static void Add(SceneComposer scene, ref SampleRandom random)
    {
        Canvas canvas = scene.Canvas;
        double shorter = Math.Min(canvas.Width, canvas.Height);
        int count = 1 + random.Below(3);
        for (int i = 0; i < count; i++)
        {
            double kind = random.Uniform();
            Decoy decoy = kind < 0.4 ? Decoy.Skull(ref random) : kind < 0.65 ? Decoy.Dial(ref random) : Decoy.Lettering(ref random);
            double angle = double.DegreesToRadians(Math.Clamp(15 * random.Normal(), -45, 45));
            byte[] colours = Colours(ref random);
            for (int attempt = 0; attempt < 6; attempt++)
            {
                double half = 0.5 * random.LogUniform(14, 0.7 * shorter), reach = Reach * half;
                double x = random.Uniform(0, canvas.Width), y = random.Uniform(0, canvas.Height);
                if (Touches(scene, new Box(x - reach, y - reach, x + reach, y + reach))) continue;
                Paint(canvas, decoy, x, y, half, angle, colours);
                if (random.Chance(0.3)) PaintHand(canvas, x, y, half, ref random);
                break;
            }
        }
    }

    private static bool Touches(SceneComposer scene, in Box box)
    {
        for (int i = 0; i < scene.FaceCount; i++)
        {
            if (scene.FaceBoxAt(i).IntersectionArea(box) > 0) return true;
        }
        return false;
    }

    /// <summary>Two colours, light and dark or the other way round: prints have strong contrast.</summary>
    private static byte[] Colours(ref SampleRandom random)
    {
        byte[] colours = new byte[6];
        int swap = random.Chance(0.7) ? 0 : 3;
        int light = 150 + random.Below(106), dark = random.Below(110);
        for (int channel = 0; channel < 3; channel++)
        {
            colours[channel + swap] = (byte)Math.Clamp(light + 18 * random.Normal(), 0, 255);
            colours[channel + 3 - swap] = (byte)Math.Clamp(dark + 18 * random.Normal(), 0, 255);
        }
        return colours;
    }

    private static void Paint(Canvas canvas, in Decoy decoy, double x, double y, double half, double angle, byte[] colours)
    {
        double reach = Reach * half;
        int left = Math.Max(0, (int)(x - reach)), right = Math.Min(canvas.Width, (int)(x + reach) + 1);
        int top = Math.Max(0, (int)(y - reach)), bottom = Math.Min(canvas.Height, (int)(y + reach) + 1);
        double cosine = Math.Cos(angle) / half, sine = Math.Sin(angle) / half;
        for (int py = top; py < bottom; py++)
        {
            for (int px = left; px < right; px++)
            {
                int light = 0, dark = 0;
                // Four samples a pixel: edges as soft as a camera's.
                for (int sample = 0; sample < 4; sample++)
                {
                    double dx = px + 0.25 + 0.5 * (sample & 1) - x, dy = py + 0.25 + 0.5 * (sample >> 1) - y;
                    Ink ink = decoy.At(cosine * dx + sine * dy, cosine * dy - sine * dx);
                    if (ink == Ink.Light) light++;
                    else if (ink == Ink.Dark) dark++;
                }
                if (light + dark == 0) continue;
                Span<byte> to = canvas.Pixels.AsSpan((py * canvas.Width + px) * 3, 3);
                for (int channel = 0; channel < 3; channel++)
                    to[channel] = (byte)((light * colours[channel] + dark * colours[channel + 3] + (4 - light - dark) * to[channel]) / 4);
            }
        }
    }

    /// <summary>Something in a colour of skin before a part of a drawing, as a wearer's hand: it makes a print look more alive.</summary>
    private static void PaintHand(Canvas canvas, double x, double y, double half, ref SampleRandom random)
    {
        double light = random.Uniform(0.25, 1), warmth = random.Uniform(0.6, 0.9);
        double red = 255 * light, green = red * warmth, blue = green * random.Uniform(0.65, 0.95);
        double middleX = x + half * random.Uniform(-0.8, 0.8), middleY = y + half * random.Uniform(-0.8, 0.8);
        double width = half * random.Uniform(0.2, 0.6), height = half * random.Uniform(0.2, 0.6);
        // The drawing kept clear of faces as far as its reach.
        double reach = Reach * half;
        int left = Math.Max(0, (int)Math.Max(x - reach + 1, middleX - width)), right = Math.Min(canvas.Width, (int)Math.Min(x + reach, middleX + width));
        int top = Math.Max(0, (int)Math.Max(y - reach + 1, middleY - height)), bottom = Math.Min(canvas.Height, (int)Math.Min(y + reach, middleY + height));
        for (int py = top; py < bottom; py++)
        {
            double dy = (py - middleY) / height;
            for (int px = left; px < right; px++)
            {
                double dx = (px - middleX) / width;
                if (dx * dx + dy * dy > 1) continue;
                // Rounded: darker toward one side.
                double shade = 0.8 + 0.2 * (dx + dy) / Math.Sqrt(2);
                Span<byte> to = canvas.Pixels.AsSpan((py * canvas.Width + px) * 3, 3);
                (to[0], to[1], to[2]) = ((byte)(red * shade), (byte)(green * shade), (byte)(blue * shade));
            }
        }
    }

    private enum Ink
    {
        None,
        Light,
        Dark,
    }

    private enum Kind
    {
        Skull,
        Dial,
        Lettering,
    }

    /// <summary>A drawing on the square [-1, 1]², y down, and the numbers that make it differ from others of its kind.</summary>
    private readonly struct Decoy
    {
        private readonly Kind _kind;
        private readonly double _a, _b, _c, _d, _e;
        private readonly (double X, double Y) _longHand, _shortHand;
        private readonly bool _flag;
        private readonly ulong _bits;

        private Decoy(Kind kind, ref SampleRandom random)
        {
            _kind = kind;
            (_a, _b, _c, _d, _e) = (random.Uniform(), random.Uniform(), random.Uniform(), random.Uniform(), random.Uniform());
            (_longHand, _shortHand) = (Hand(_d), Hand(_e));
            _flag = random.Chance(0.5);
            _bits = random.NextBits();
        }

        public static Decoy Skull(ref SampleRandom random) => new(Kind.Skull, ref random);

        public static Decoy Dial(ref SampleRandom random) => new(Kind.Dial, ref random);

        public static Decoy Lettering(ref SampleRandom random) => new(Kind.Lettering, ref random);

        public Ink At(double u, double v) => _kind switch
        {
            Kind.Skull => SkullAt(u, v),
            Kind.Dial => DialAt(u, v),
            _ => LetteringAt(u, v),
        };

        /// <summary>A bald head with holes for eyes; with a nose hole and rows of teeth, or a mask's or a smiley's arc of a mouth.</summary>
        private Ink SkullAt(double u, double v)
        {
            bool skull = _bits % 4 != 0;
            double side = Math.Abs(u);
            double jaw = skull ? 0.45 + 0.25 * _a : 0.9;
            bool cranium = InEllipse(u, v + 0.2, 0.7 + 0.2 * _b, 0.75);
            bool chin = InEllipse(u, v - 0.35, jaw, 0.6);
            // Half of them lie on cloth of the dark colour.
            if (!cranium && !chin) return _flag ? Ink.Dark : Ink.None;
            double eyeX = 0.27 + 0.12 * _c, eyeY = -0.15 + 0.15 * _d;
            // Sockets slope: angry or sad.
            double slope = 0.9 * (_e - 0.5);
            if (InEllipse(side - eyeX, v - eyeY - slope * (side - eyeX), 0.14 + 0.16 * _a, 0.08 + 0.15 * _b)) return Ink.Dark;
            // A glint in the socket and a line under it.
            if (_bits % 8 < 3 && InEllipse(side - eyeX, v - eyeY - slope * (side - eyeX) - 0.1 - 0.15 * _b, 0.2 + 0.1 * _a, 0.03)) return Ink.Dark;
            if (!skull) return Math.Abs(Math.Sqrt(u * u + (v - 0.05) * (v - 0.05)) - 0.55) < 0.04 + 0.05 * _c && v > 0.2 ? Ink.Dark : Ink.Light;
            double noseTop = 0.12 + 0.1 * _e;
            if (v > noseTop && v < noseTop + 0.25 && side < 0.6 * (v - noseTop) && side > ((_bits & 16) != 0 ? 0.02 : -1)) return Ink.Dark;
            double teeth = 0.5 + 0.1 * _d;
            if (v > teeth && v < teeth + 0.3 && side < 0.75 * jaw)
            {
                bool gap = Math.Abs(v - teeth - 0.15) < 0.02 + 0.04 * _c;
                double across = u * (5 + 5 * _b);
                return gap || across - Math.Floor(across) < 0.25 ? Ink.Dark : Ink.Light;
            }
            return Ink.Light;
        }

        /// <summary>A disc with a rim, ticks or spokes, and two hands or a hub: clocks, dials, wheels.</summary>
        private Ink DialAt(double u, double v)
        {
            double radius = Math.Sqrt(u * u + v * v);
            if (radius > 1) return Ink.None;
            if (radius > 0.86 + 0.1 * _a) return Ink.Dark;
            if (radius > 0.55 + 0.2 * _b && radius < 0.85)
            {
                double turn = Math.Atan2(v, u) / (2 * Math.PI) + 0.5;
                double part = turn * Ticks - Math.Floor(turn * Ticks);
                if (part < 0.15 + 0.3 * _c) return Ink.Dark;
            }
            if (radius < 0.08 + 0.25 * _c * _c) return Ink.Dark;
            if (!_flag) return Ink.Light;
            return OnHand(u, v, _longHand, 0.75, 0.04) || OnHand(u, v, _shortHand, 0.5, 0.06) ? Ink.Dark : Ink.Light;
        }

        /// <summary>One to three rows of glyphs, each a few strokes on a cell.</summary>
        private Ink LetteringAt(double u, double v)
        {
            int rows = 1 + (int)(3 * _a), columns = 1 + (int)(6 * _b);
            double height = Math.Min(1, 2.2 / columns);
            if (Math.Abs(u) >= 1 || Math.Abs(v) >= height) return Ink.None;
            double x = (u + 1) / 2 * columns, y = (v / height + 1) / 2 * rows;
            int column = (int)x, row = (int)y;
            (x, y) = (1.3 * (x - column - 0.5), 1.3 * (y - row - 0.5));
            bool stroke = false;
            if (Math.Abs(x) <= 0.5 && Math.Abs(y) <= 0.5)
            {
                double thick = 0.1 + 0.12 * _c;
                ulong glyph = (_bits >> ((row * 7 + column) * 5 % 50)) | 1;
                stroke |= (glyph & 1) != 0 && x < -0.5 + thick;
                stroke |= (glyph & 2) != 0 && x > 0.5 - thick;
                stroke |= (glyph & 4) != 0 && y < -0.5 + thick;
                stroke |= (glyph & 8) != 0 && y > 0.5 - thick;
                stroke |= (glyph & 16) != 0 && Math.Abs(y) < 0.5 * thick;
                stroke |= (glyph & 32) != 0 && Math.Abs(x - y) < 0.7 * thick;
                stroke |= (glyph & 64) != 0 && Math.Abs(Math.Sqrt(x * x + y * y) - 0.42) < 0.5 * thick;
            }
            if (stroke) return Ink.Dark;
            return _flag ? Ink.Light : Ink.None;
        }

        private static bool InEllipse(double x, double y, double radiusX, double radiusY)
        {
            // Without a division: four samples of every pixel come here several times.
            (x, y) = (x * radiusY, y * radiusX);
            double product = radiusX * radiusY;
            return x * x + y * y <= product * product;
        }

        private static (double X, double Y) Hand(double turn) => (Math.Cos(2 * Math.PI * turn), Math.Sin(2 * Math.PI * turn));

        private static bool OnHand(double u, double v, (double X, double Y) hand, double length, double width)
        {
            double along = u * hand.X + v * hand.Y;
            return along > 0 && along < length && Math.Abs(u * hand.Y - v * hand.X) < width;
        }
    }
}
