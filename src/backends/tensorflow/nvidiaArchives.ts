// NVIDIA's libraries for libtensorflow on a GPU: the wheels of CUDA 12.9, the last of 12, with a cuDNN that serves
// every GPU that libtensorflow has code for (Pascal to Blackwell). They are what its loader opens before it takes
// a GPU (CUDA runtime, cuBLAS, cuFFT, cuSOLVER, cuSPARSE, cuDNN), what those ask for in turn (nvJitLink, NVRTC), and of
// the compiler what it makes kernels with at run time. cuRAND it does not open; NCCL and CUPTI only for what emu
// does not do (collective operations, profiling). Other versions need another folder: cudaVersion in layout.ts.
import {nvidiaFolder} from '../../kernels/tensorflow/layout.js';
import type {Archive} from './archive.js';

interface Wheel {
  /** The folder in the wheel, below nvidia/. */
  readonly folder: string;
  readonly version: string;
  /** The last part of the wheel's name. */
  readonly platform: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly sha256: string;
  readonly files: readonly string[];
  readonly licence?: string;
}

const cudaLicence = "NVIDIA's CUDA Toolkit End User License Agreement";
const cudnnLicence = "NVIDIA's licence agreement for software development kits (cuDNN)";

const libraries = (...names: string[]) => names.map((name) => `lib/${name}`);

const wheels: readonly Wheel[] = [
  {
    folder: 'cuda_runtime',
    version: '12.9.79',
    platform: 'manylinux2014_x86_64.manylinux_2_17_x86_64',
    size: 3_493_179,
    unpackedSize: 800_350,
    sha256: '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
    files: libraries('libcudart.so.12'),
  },
  {
    folder: 'cublas',
    version: '12.9.1.4',
    platform: 'manylinux_2_27_x86_64',
    size: 581_242_350,
    unpackedSize: 854_406_142,
    sha256: '453611eb21a7c1f2c2156ed9f3a45b691deda0440ec550860290dc901af5b4c2',
    files: libraries('libcublas.so.12', 'libcublasLt.so.12'),
  },
  {
    folder: 'cufft',
    version: '11.4.1.4',
    platform: 'manylinux2014_x86_64.manylinux_2_17_x86_64',
    size: 200_877_592,
    unpackedSize: 291_567_190,
    sha256: 'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
    files: libraries('libcufft.so.11'),
  },
  {
    folder: 'cusolver',
    version: '11.7.5.82',
    platform: 'manylinux_2_27_x86_64',
    size: 338_117_415,
    unpackedSize: 302_083_414,
    sha256: '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
    files: libraries('libcusolver.so.11'),
  },
  {
    folder: 'cusparse',
    version: '12.5.10.65',
    platform: 'manylinux2014_x86_64.manylinux_2_17_x86_64',
    size: 366_465_088,
    unpackedSize: 486_615_630,
    sha256: '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
    files: libraries('libcusparse.so.12'),
  },
  {
    folder: 'nvjitlink',
    version: '12.9.86',
    platform: 'manylinux2010_x86_64.manylinux_2_12_x86_64',
    size: 39_748_338,
    unpackedSize: 95_994_606,
    sha256: 'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
    files: libraries('libnvJitLink.so.12'),
  },
  {
    folder: 'cuda_nvrtc',
    version: '12.9.86',
    platform: 'manylinux2010_x86_64.manylinux_2_12_x86_64',
    size: 89_568_129,
    unpackedSize: 113_506_502,
    sha256: '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
    files: libraries('libnvrtc.so.12', 'libnvrtc-builtins.so.12.9'),
  },
  {
    folder: 'cuda_nvcc',
    version: '12.9.86',
    platform: 'manylinux2010_x86_64.manylinux_2_12_x86_64',
    size: 40_546_229,
    unpackedSize: 35_476_486,
    sha256: '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
    files: ['bin/ptxas', 'nvvm/libdevice/libdevice.10.bc'],
  },
  {
    folder: 'cudnn',
    version: '9.10.2.21',
    platform: 'manylinux_2_27_x86_64',
    size: 706_758_467,
    unpackedSize: 1_053_251_134,
    sha256: '949452be657fa16687d0930933f032835951ef0892b37d2d53824d1a84dc97a8',
    licence: cudnnLicence,
    files: libraries(
      ...['libcudnn.so.9', 'libcudnn_adv.so.9', 'libcudnn_cnn.so.9', 'libcudnn_graph.so.9'],
      ...['libcudnn_engines_precompiled.so.9', 'libcudnn_engines_runtime_compiled.so.9'],
      ...['libcudnn_heuristic.so.9', 'libcudnn_ops.so.9'],
    ),
  },
];

/** Each unpacked where libtensorflow, or librariesToLoad() of layout.ts, looks for it. */
export function nvidiaArchives(): Archive[] {
  return wheels.map(({folder, version, platform, files, licence = cudaLicence, ...pins}) => {
    const project = `nvidia_${folder}_cu12`;
    return {
      ...pins,
      source: 'pypi',
      requirement: `${project.replaceAll('_', '-')}==${version}`,
      name: `${project}-${version}-py3-none-${platform}.whl`,
      folder: nvidiaFolder(folder),
      files: {
        ...Object.fromEntries(files.map((file) => [`nvidia/${folder}/${file}`, file])),
        [`${project}-${version}.dist-info/licenses/License.txt`]: 'License.txt',
      },
      licence,
    };
  });
}
