using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Training.Tests.Engine;

public sealed class LearningRateScheduleTests
{
    private static readonly LearningRateSchedule s_schedule =
        new(new TrainConfig { Steps = 110, WarmupSteps = 10, LearningRate = 0.01, MinLearningRate = 0.002 });

    [Theory]
    [InlineData(0, 0.001)]
    [InlineData(4, 0.005)]
    [InlineData(9, 0.01)]
    [InlineData(10, 0.01)]
    [InlineData(35, 0.002 + (0.008 * 0.8535533905932737))]
    [InlineData(60, 0.006)]
    [InlineData(110, 0.002)]
    [InlineData(1000, 0.002)]
    public void At_Step_IsWarmUpThenHalfACosine(long step, double expected) => Assert.Equal(expected, s_schedule.At(step), 1e-12);

    [Fact]
    public void At_NoWarmUp_BeginsAtTheLargestRate() =>
        Assert.Equal(0.01, new LearningRateSchedule(new TrainConfig { Steps = 5, WarmupSteps = 0, LearningRate = 0.01 }).At(0), 1e-12);

    [Fact]
    public void At_WarmUpOnly_EndsAtTheLargestRate()
    {
        var schedule = new LearningRateSchedule(new TrainConfig { Steps = 5, WarmupSteps = 5, LearningRate = 0.01 });
        Assert.Equal(0.01, schedule.At(4), 1e-12);
        Assert.True(double.IsFinite(schedule.At(5)));
    }
}
