#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __host__ __attribute__((host))
#define __shared__ __attribute__((shared))
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))
struct uint4{unsigned x,y,z,w;};struct float4{float x,y,z,w;};struct float2{float x,y;};struct uint2{unsigned x,y;};
__device__ uint4 make_uint4(unsigned,unsigned,unsigned,unsigned);__device__ float4 make_float4(float,float,float,float);
struct D3_{unsigned x,y,z;};extern __device__ const D3_ threadIdx,blockIdx,blockDim,gridDim;
__device__ unsigned atomicInc(unsigned*,unsigned);__device__ float __shfl_up_sync(unsigned,float,int);__device__ float __shfl_down_sync(unsigned,float,int);__device__ float __shfl_xor_sync(unsigned,float,int);
__device__ void __syncwarp();__device__ void __syncthreads();__device__ void __threadfence_block();__device__ unsigned __float_as_uint(float);__device__ float __uint_as_float(unsigned);
__device__ float fmaf(float,float,float);__device__ float fminf(float,float);__device__ float fmaxf(float,float);__device__ int min(int,int);__device__ int max(int,int);
