mkdir -p k; for f in ../../../src/Models/Kernels/Cuda/Source/*.cu; do sed 's/extern __shared__ __align__(16) unsigned char smem\[\];/unsigned char* smem = emu_smem();/; s/#pragma unroll.*//' $f > k/$(basename $f); done
sed -n '/END OF PRIMITIVES/,$p' ../../../src/Models/Kernels/Cuda/Source/common.cu > common_tail.inc
g++ -O1 -std=c++17 -w $1 -o test_scan test_scan.cpp
