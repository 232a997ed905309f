using FsCheck;
using FsCheck.Fluent;

namespace Img2Pose.Tracking.Tests;

public class AssignmentTests
{
    [Fact]
    public void The_cheapest_assignment_is_found_where_the_greedy_one_is_not()
    {
        int[] columns = new int[2];

        new Assignment().Solve([0.1, 0.2, 0.15, 0.9], 2, 2, alone: 1, columns); // greedy: 0.1 + 0.9

        Assert.Equal([1, 0], columns);
    }

    [Fact]
    public void A_row_stays_alone_where_every_pair_is_forbidden_or_dearer()
    {
        int[] columns = new int[3];

        new Assignment().Solve([double.PositiveInfinity, 3, 0.5], 3, 1, alone: 1, columns);

        Assert.Equal([-1, -1, 0], columns);
    }

    [Fact]
    public void The_total_cost_is_never_above_that_of_any_other_assignment()
    {
        Gen<double> cost = Gen.Choose(0, 12).Select(i => i == 12 ? double.PositiveInfinity : i / 10.0);
        var problems =
            from rows in Gen.Choose(0, 4)
            from columns in Gen.Choose(0, 4)
            from costs in Gen.ArrayOf(cost, rows * columns)
            select (rows, columns, costs);
        Assignment assignment = new(); // one for all problems: leftovers of the last must not matter

        Prop.ForAll(problems.ToArbitrary(), problem =>
        {
            (int rows, int columns, double[] costs) = problem;
            int[] columnOfRow = new int[rows];
            assignment.Solve(costs, rows, columns, alone: 1, columnOfRow);
            double total = columnOfRow.Select((column, row) => column < 0 ? 1 : costs[row * columns + column]).Sum();
            bool unique = columnOfRow.Where(column => column >= 0).Distinct().Count() == columnOfRow.Count(column => column >= 0);
            return unique && Math.Abs(total - Cheapest(costs, rows, columns, 0, 0)) < 1e-9;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

        static double Cheapest(double[] costs, int rows, int columns, int row, int used)
        {
            if (row == rows) return 0;
            double best = 1 + Cheapest(costs, rows, columns, row + 1, used);
            for (int column = 0; column < columns; column++)
            {
                if ((used & (1 << column)) != 0) continue;
                best = Math.Min(best, costs[row * columns + column] + Cheapest(costs, rows, columns, row + 1, used | (1 << column)));
            }
            return best;
        }
    }
}
