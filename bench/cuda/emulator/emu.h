// CPU emulation of the few CUDA features the kernels use: one fiber per thread, round-robin.
#include <ucontext.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cmath>
#include <cstdint>
#include <vector>
#include <algorithm>
#include <functional>
using std::min; using std::max;
struct uint4 { unsigned x,y,z,w; }; struct float4 { float x,y,z,w; }; struct uint2 {unsigned x,y;}; struct float2{float x,y;};
static inline uint4 make_uint4(unsigned a,unsigned b,unsigned c,unsigned d){return {a,b,c,d};}
static inline float4 make_float4(float a,float b,float c,float d){return {a,b,c,d};}
struct D3 { unsigned x,y,z; };
static D3 threadIdx, blockIdx, blockDim, gridDim;
#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)
#define __grid_constant__
typedef unsigned int u32; typedef unsigned long long u64; typedef unsigned short u16; typedef long long i64;
static int cta; static std::vector<std::vector<unsigned char>> smems; static unsigned char* emu_smem(){return smems[cta].data();}
static inline u32 __float_as_uint(float f){u32 u;memcpy(&u,&f,4);return u;}
static inline float __uint_as_float(u32 u){float f;memcpy(&f,&u,4);return f;}
#ifndef GS_F32_IO
#define GS_F32_IO 0
#endif
#define GS_ESIZE (GS_F32_IO ? 4 : 2)
struct Fiber { ucontext_t ctx; std::vector<char> stack; bool done; };
static std::vector<Fiber> fib; static ucontext_t mainCtx; static int cur;
static std::function<void()> body;
static int nthreads; static int nb; static std::vector<int> blkArr; static std::vector<long> blkGen; static std::vector<int> wArr; static std::vector<long> wGen; static std::vector<long> wOps;
struct Slot { float v[2][32][8]; }; static std::vector<Slot> slotF;
static void yield_(){ int c=cur; swapcontext(&fib[c].ctx,&mainCtx); }
static void entry(){ body(); fib[cur].done=true; while(1) yield_(); }
static u32 lcg=12345; static u32 rnd(){lcg=lcg*1664525u+1013904223u;return lcg>>8;}
static void run_grid(int nblk,int nt,std::function<void()> f){
  body=f;nthreads=nt;nb=nblk;int tot=nblk*nt; fib.clear(); fib.resize(tot); smems.assign(nblk,std::vector<unsigned char>(240*1024,0xAB)); blkArr.assign(nblk,0);blkGen.assign(nblk,0);wArr.assign(tot/32,0);wGen.assign(tot/32,0);wOps.assign(tot,0);slotF.resize(tot/32);
  for(int i=0;i<tot;i++){fib[i].stack.resize(64*1024);fib[i].done=false;getcontext(&fib[i].ctx);fib[i].ctx.uc_stack.ss_sp=fib[i].stack.data();fib[i].ctx.uc_stack.ss_size=fib[i].stack.size();fib[i].ctx.uc_link=&mainCtx;makecontext(&fib[i].ctx,entry,0);}
  long idle=0; for(;;){ bool all=true; for(int w=0;w<tot/32;w++){ int ww= nblk>1? rnd()%(tot/32):w; int reps= nblk>1? 1+rnd()%8:1; for(int r=0;r<reps;r++) for(int l=0;l<32;l++){int i=ww*32+l; if(!fib[i].done){cur=i;cta=i/nt;threadIdx={(unsigned)(i%nt),0,0};swapcontext(&mainCtx,&fib[i].ctx);}}}
    for(int i=0;i<tot;i++) if(!fib[i].done) all=false; if(all)break; if(++idle>3000000){printf("HANG\n");exit(1);} } }
static void run_block(int nt,std::function<void()> f){run_grid(1,nt,f);}
static void __syncthreads(){ int c=cta; long g=blkGen[c]; if(++blkArr[c]==nthreads){blkArr[c]=0;blkGen[c]++;} while(blkGen[c]==g) yield_(); }
static void warp_bar(){ int w=cur>>5; long g=wGen[w]; if(++wArr[w]==32){wArr[w]=0;wGen[w]++;} while(wGen[w]==g) yield_(); }
static float xchg(float v,int src){ int w=cur>>5,l=cur&31; int par=wOps[cur]++&1; slotF[w].v[par][l][0]=v; warp_bar(); return slotF[w].v[par][src][0]; }
static inline float gs_up(float v,int d){int l=cur&31; return xchg(v,l-d>=0?l-d:l);}
static inline float gs_down(float v,int d){int l=cur&31; return xchg(v,l+d<32?l+d:l);}
static inline float gs_xor(float v,int m){int l=cur&31; return xchg(v,l^m);}
static inline void gs_warp_sync(){warp_bar();}
static inline int gs_ld_shared_flag(const int*p){yield_();return *(volatile const int*)p;}
static inline void gs_st_shared_flag(int*p,int v){*p=v;}
static inline void gs_ld_word(const u64*p,u32&v,u32&t){yield_();u64 w=*(volatile const u64*)p;v=(u32)w;t=(u32)(w>>32);}
static inline void gs_st_word(u64*p,float x,u32 t,bool on){u64 v=((u64)t<<32)|__float_as_uint(x);if(on&&v>*p)*p=v;}
static inline u32 gs_ticket(u32*p,u32 wrap){u32 o=*p;*p=o>=wrap?0:o+1;return o;}
static inline float gs_ex2(float x){return exp2f(x);} static inline float gs_lg2(float x){return log2f(x);} static inline float gs_rcp(float x){return 1.0f/x;} static inline float gs_rsqrt(float x){return 1.0f/sqrtf(x);}
static inline float tf(float v){return __uint_as_float(__float_as_uint(v)&0xffffe000u);}
static inline void gs_mma_tf32(float4& c,float a0,float a1,float a2,float a3,float b0,float b1){
  int w=cur>>5,l=cur&31; int par=wOps[cur]++&1; float*s=slotF[w].v[par][l]; s[0]=tf(a0);s[1]=tf(a1);s[2]=tf(a2);s[3]=tf(a3);s[4]=tf(b0);s[5]=tf(b1); warp_bar();
  int g=l>>2,q=l&3; float r[4]={c.x,c.y,c.z,c.w};
  for(int i=0;i<4;i++){int row=g+(i>=2?8:0),col=2*q+(i&1); float acc=r[i];
    for(int k=0;k<8;k++){ float A=slotF[w].v[par][(row&7)*4+(k&3)][(row>=8?1:0)+(k>=4?2:0)]; float B=slotF[w].v[par][col*4+(k&3)][4+(k>=4)]; acc+=A*B;} r[i]=acc;}
  c={r[0],r[1],r[2],r[3]}; }
static inline u16 gs_to_bf16(float v){u32 u=__float_as_uint(v);u+=0x7fff+((u>>16)&1);return u>>16;}
static inline u32 gs_pack_bf16(float lo,float hi){return gs_to_bf16(lo)|((u32)gs_to_bf16(hi)<<16);}
static inline uint4 gs_ldg16(const void*p){ if((uintptr_t)p&15){printf("misaligned\n");abort();} return *(const uint4*)p;}
static inline int gs_ld_shared_int(const int*p){return *p;}
static inline void gs_copy16(void*t,const void*f){ if(((uintptr_t)f&15)||((uintptr_t)t&15)){printf("misaligned\n");abort();} memcpy(t,f,16);} static inline void gs_copy_commit(){} static inline void gs_copy_wait(){}
#define gs_copy_wait_for(n) ((void)0)
static inline bool gs_any(bool v){ float r=v; for(int m=1;m<32;m<<=1) r=r+gs_xor(r,m); return r>0; }
static inline uint2 make_uint2(unsigned a,unsigned b){return {a,b};}
static inline uint2 gs_ldg8(const void*p){return *(const uint2*)p;}
