#define GS_F32_IO 1
#define GS_CK_F32 1
#include "emu.h"
#include "common_tail.inc"
#include "k/scan_args.cu"
#include "k/scan_fwd.cu"
#include "k/scan_fwd_wide.cu"
#define words words_b
#include "k/scan_bwd.cu"
#undef words
#include "k/scan_reduce.cu"
#include <random>
static std::mt19937 rng(1); static int NB=1;
static float rn(){ static std::normal_distribution<float> d; return d(rng);} 
typedef std::vector<float> V; typedef std::vector<double> W;
static double relerr(const char*name,const float*a,const double*b,size_t n){double s=0,t=0;for(size_t i=0;i<n;i++){double d=a[i]-b[i];if(!(d==d))d=1e9;s+=d*d;t+=b[i]*b[i];}double r=sqrt(s/(t+1e-300));printf(" %s %.1e",name,r);return r;}
static bool test(int B,int L,int D,int groups,bool rev,bool ids,bool gate,bool states){
  const int N=16; int chunks=(D+15)/16; size_t R=(size_t)B*L;
  V u(R*D),de(R*D),z(R*D),bm(R*N),cm(R*N),A(D*N),sk(D),bi(D),h0(B*D*N),dout(R*D),dhl(B*D*N); std::vector<int> id(R);
  for(auto*v:{&u,&z,&bm,&cm,&sk,&h0,&dout,&dhl})for(auto&x:*v)x=rn();
  for(auto&x:de)x=rn()*0.5f; for(int d=0;d<D;d++){double dt=exp(log(1e-3)+(log(0.1)-log(1e-3))*((rng()%1000)/1000.0));bi[d]=log(expm1(dt));for(int n=0;n<N;n++)A[d*N+n]=-(n+1)*(0.5f+(rng()%1000)/1000.0f);} 
  for(int b=0;b<B;b++){int c=0;for(int t=0;t<L;t++){if(rng()%50==0)c++;id[b*L+t]=c;}}
  GsArgs p{}; GsScan&s=p.s[0]; p.scans=1;p.batch=B;p.length=L;p.d_inner=D;p.groups=groups;
  V out(R*D,NAN),hl(B*D*N,NAN); int nb=(L+15)/16; V ck((size_t)B*nb*chunks*N*16,NAN); u32 ticket=0; V ysv(R*D,NAN); std::vector<u64> ring((size_t)B*chunks*4*(N*16+R_PAR)+64,0);
  s.u=u.data();s.delta=de.data();s.z=gate?z.data():0;s.bmat=bm.data();s.cmat=cm.data();s.a=A.data();s.skip=sk.data();s.bias=bi.data();s.h0=states?h0.data():0;s.ids=ids?id.data():0;s.out=out.data();s.h_last=hl.data();s.ckpt=ck.data();s.y=ysv.data();
  s.u_stride=s.delta_stride=s.z_stride=s.out_stride=s.dout_stride=D;s.b_stride=s.c_stride=N;s.reverse=rev;p.ticket=&ticket;p.ring=ring.data();
  p.tiles=(L+F_TC-1)/F_TC; gridDim={(unsigned)NB,1,1};
  if(getenv("WIDE")){int nw=(B*((D+31)/32)+1)/2;for(int x=0;x<nw;x++){blockIdx={(unsigned)x,0,0};run_block(64,[&]{gs_scan_fwd_wide(p);});}blockIdx={0,0,0};}else run_grid(NB,F_NT,[&]{gs_scan_fwd(p);});
  if(ticket){printf("ticket %u\n",ticket);} for(auto w:ring)if(w){printf("ring not clean\n");break;}
  V du(R*D,NAN),dd(R*D,NAN),dz(R*D,NAN),dh0(B*D*N,NAN),pp((size_t)B*chunks*R_PAR,NAN); p.tiles=(L+127)/128; int sets=(chunks+groups-1)/groups; V pbc((size_t)sets*B*2*N*p.tiles*128,NAN);
  s.dout=dout.data();s.dh_last=states?dhl.data():0;s.du=du.data();s.ddelta=dd.data();s.dz=dz.data();s.dh0=dh0.data();s.part_bc=pbc.data();s.part_p=pp.data();
  run_grid(NB,R_NT,[&]{gs_scan_bwd(p);});
  if(ticket){printf("ticket %u\n",ticket);} for(auto w:ring)if(w){printf("ring not clean\n");break;}
  V db(R*N,NAN),dc(R*N,NAN),da(D*N,NAN),ds(D,NAN),dbi(D,NAN);
  GsReduceBc rb{}; rb.part[0]=pbc.data();rb.db[0]=db.data();rb.dc[0]=dc.data();rb.reverse[0]=rev;rb.sets=sets;rb.batch=B;rb.length=L;rb.padded=p.tiles*128;rb.db_stride=rb.dc_stride=N;
  for(int b=0;b<B;b++)for(int x=0;x<(L+127)/128;x++){blockIdx={(unsigned)x,(unsigned)b,0};run_block(128,[&]{gs_scan_reduce_bc(rb);});}
  GsReduceP rp{}; rp.part[0]=pp.data();rp.da[0]=da.data();rp.dskip[0]=ds.data();rp.dbias[0]=dbi.data();rp.batch=B;rp.d_inner=D; gridDim={(unsigned)chunks,1,1};
  for(int c=0;c<chunks;c++){blockIdx={(unsigned)c,0,0};run_block(128,[&]{gs_scan_reduce_p(rp);});}
  // reference
  W ro(R*D),rhl(B*D*N),rdu(R*D),rdd(R*D),rdz(R*D),rdb(R*N),rdc(R*N),rda(D*N),rds(D),rdbi(D),rdh0(B*D*N);
  for(int b=0;b<B;b++)for(int d=0;d<D;d++){ W H((size_t)(L+1)*N),dl(L),a((size_t)L*N),y(L); auto row=[&](int t){return (size_t)b*L+(rev?L-1-t:t);};
    for(int n=0;n<N;n++)H[n]=states?h0[(b*D+d)*N+n]:0;
    for(int t=0;t<L;t++){size_t r=row(t);double x=(double)de[r*D+d]+bi[d];dl[t]=log1p(exp(x));bool rs=ids&&t>0&&id[r]!=id[row(t-1)];double yy=0;for(int n=0;n<N;n++){double aa=rs?0:exp(dl[t]*A[d*N+n]);a[(size_t)t*N+n]=aa;H[(size_t)(t+1)*N+n]=aa*H[(size_t)t*N+n]+dl[t]*bm[r*N+n]*u[r*D+d];yy+=cm[r*N+n]*H[(size_t)(t+1)*N+n];}y[t]=yy+(double)sk[d]*u[r*D+d];double sg=1/(1+exp(-(double)z[r*D+d]));ro[r*D+d]=gate?y[t]*z[r*D+d]*sg:y[t];}
    for(int n=0;n<N;n++)rhl[(b*D+d)*N+n]=H[(size_t)L*N+n];
    W lam(N); for(int n=0;n<N;n++)lam[n]=states?dhl[(b*D+d)*N+n]:0;
    for(int t=L-1;t>=0;t--){size_t r=row(t);double zz=z[r*D+d],sg=1/(1+exp(-zz));double g=gate?dout[r*D+d]*zz*sg:dout[r*D+d];rdz[r*D+d]=dout[r*D+d]*y[t]*sg*(1+zz*(1-sg));double lb=0,wa=0;
      for(int n=0;n<N;n++){double l=cm[r*N+n]*g+lam[n];double pr=a[(size_t)t*N+n]*H[(size_t)t*N+n];rdc[r*N+n]+=g*H[(size_t)(t+1)*N+n];rdb[r*N+n]+=l*dl[t]*u[r*D+d];lb+=l*bm[r*N+n];wa+=l*pr*A[d*N+n];rda[d*N+n]+=l*pr*dl[t];lam[n]=a[(size_t)t*N+n]*l;}
      rdu[r*D+d]=sk[d]*g+dl[t]*lb;double x=(double)de[r*D+d]+bi[d];double q=(u[r*D+d]*lb+wa)/(1+exp(-x));rdd[r*D+d]=q;rds[d]+=g*u[r*D+d];rdbi[d]+=q;}
    for(int n=0;n<N;n++)rdh0[(b*D+d)*N+n]=lam[n]; }
  printf("B%d L%d D%d G%d rev%d ids%d gate%d st%d:",B,L,D,groups,rev,ids,gate,states); double m=0;
  m=max(m,relerr("out",out.data(),ro.data(),R*D));m=max(m,relerr("hl",hl.data(),rhl.data(),rhl.size()));m=max(m,relerr("du",du.data(),rdu.data(),R*D));m=max(m,relerr("ddelta",dd.data(),rdd.data(),R*D));if(gate)m=max(m,relerr("dz",dz.data(),rdz.data(),R*D));
  m=max(m,relerr("dB",db.data(),rdb.data(),R*N));m=max(m,relerr("dC",dc.data(),rdc.data(),R*N));m=max(m,relerr("dA",da.data(),rda.data(),D*N));m=max(m,relerr("dD",ds.data(),rds.data(),D));m=max(m,relerr("dbias",dbi.data(),rdbi.data(),D));m=max(m,relerr("dh0",dh0.data(),rdh0.data(),rdh0.size()));
  printf("  %s\n",m<1e-5?"ok":"FAIL"); return m<1e-5; }
int main(int c,char**v){ bool ok=true; if(c>1){NB=atoi(v[1]);lcg=atoi(v[2]); ok&=test(1,1100,32,1,true,true,true,true); ok&=test(2,700,48,2,false,true,true,true); printf("%s\n",ok?"ALL OK":"FAILED"); return !ok; }
  ok&=test(1,1,16,1,false,false,true,true); ok&=test(1,7,16,1,true,false,true,true); ok&=test(2,300,48,2,false,true,true,true); ok&=test(1,517,24,2,true,true,true,true); ok&=test(2,256,32,1,false,false,false,false);
  printf("%s\n",ok?"ALL OK":"FAILED"); return !ok; }
