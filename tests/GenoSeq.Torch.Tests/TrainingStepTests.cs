using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class TrainingStepTests
{
    [Fact]
    public void Steps_InAScope_LeakNoTensorsAndNoMemoryAndLearn()
    {
        manual_seed(0);
        using var model = new Classifier();
        using var adam = new optim.AdamW(
            [new optim.ParamGroup([.. model.named_parameters().Select(p => (p.name, p.parameter))], 0.01)], 1e-2);
        using Tensor x = randn([256, 64]);
        using Tensor target = x.narrow(1, 0, 4).DetachFromDisposeScope();
        using Tensor labels = target.argmax(1);
        double first = 0;
        double last = 0;
        long live = 0;
        long memory = 0;
        for (int step = 1; step <= 100; step++)
        {
            using (NewDisposeScope())
            {
                model.zero_grad();
                Tensor loss = nn.functional.cross_entropy(model.forward(x), labels);
                loss.backward();
                adam.step();
                last = loss.ToDouble();
                first = step == 1 ? last : first;
            }

            if (step == 10)
            {
                Memory.Collect();
                live = DisposeScopeManager.Statistics.Live;
                memory = Memory.Resident();
            }
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.Live);
        Memory.Collect();
        double growth = (double)(Memory.Resident() - memory) / memory;
        Assert.True(growth < 0.02, $"resident memory grew by {growth:P2} from {memory} bytes");
        Assert.True(last < 0.2 * first, $"loss went from {first} to {last}");
    }

    private sealed class Classifier : nn.Module
    {
        private readonly nn.Linear _in;
        private readonly nn.Linear _out;

        internal Classifier()
        {
            _in = register_module("in", new nn.Linear(64, 256, hasBias: true));
            _out = register_module("out", new nn.Linear(256, 4));
        }

        internal Tensor forward(Tensor x) =>
            utils.checkpoint.run(i => [_out.forward(nn.functional.gelu(_in.forward(i[0]!)))], x.detach().requires_grad_())[0];
    }
}
