namespace GenoSeq.Torch;

public static partial class torch
{
    public static partial class optim
    {
        /// <summary>What one step of <see cref="AdamW"/> goes by.</summary>
        /// <param name="LearningRate">Step size.</param>
        /// <param name="Beta1">First decay rate.</param>
        /// <param name="Beta2">Second decay rate.</param>
        /// <param name="Eps">Added to the denominator.</param>
        /// <param name="StepCount">Number of this step, from 1.</param>
        /// <param name="GradScale">What every gradient is multiplied by first.</param>
        /// <param name="ClipNorm">
        /// Largest norm of all scaled gradients together, to which they are scaled down; 0 for no limit. With a limit or 0 a norm
        /// that is not finite stops the step; null: the norm is of no interest and is not taken.
        /// </param>
        public readonly record struct AdamWStep(double LearningRate, double Beta1, double Beta2, double Eps, long StepCount,
            double GradScale, double? ClipNorm);
    }
}
