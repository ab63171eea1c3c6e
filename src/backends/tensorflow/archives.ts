// What is fetched: archives of pinned versions, by the user's own pip or Maven. Each is unpacked into a folder
// of its own, which is complete or absent. NVIDIA's: nvidiaArchives.ts.
import {libraryFolder, tensorflowVersion, type Variant} from '../../kernels/tensorflow/layout.js';
import type {Archive, Source} from './archive.js';
import {nvidiaArchives} from './nvidiaArchives.js';

// The wheel of any CPython does, for libtensorflow knows nothing of Python.
const wheelTags = 'cp311-cp311-manylinux_2_27_x86_64';
const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

/** Of files that keep the last parts of their names. */
const flat = (folder: string, names: readonly string[]) =>
  Object.fromEntries(
    names.map((name) => [`${folder}/${name}`, name.slice(name.lastIndexOf('/') + 1)]),
  );

type Pins = Pick<Archive, 'requirement' | 'name' | 'size' | 'sha256'>;

const wheels: Record<Variant, Pins> = {
  cpu: {
    requirement: `tensorflow-cpu==${tensorflowVersion}`,
    name: `tensorflow_cpu-${tensorflowVersion}-${wheelTags}.whl`,
    size: 273_829_956,
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
  },
  gpu: {
    requirement: `tensorflow==${tensorflowVersion}`,
    name: `tensorflow-${tensorflowVersion}-${wheelTags}.whl`,
    size: 572_440_367,
    sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
  },
};

const jars: Record<Variant, Pins> = {
  cpu: {
    requirement: 'org.tensorflow:tensorflow-core-native:1.2.0:jar:linux-x86_64',
    name: 'tensorflow-core-native-1.2.0-linux-x86_64.jar',
    size: 192_265_303,
    sha256: 'e6fc5afb04092f3427408f1947ec1e5832ed196009acfc088b4d38a516b708bd',
  },
  gpu: {
    requirement: 'org.tensorflow:tensorflow-core-native:1.2.0:jar:linux-x86_64-gpu',
    name: 'tensorflow-core-native-1.2.0-linux-x86_64-gpu.jar',
    size: 427_288_061,
    sha256: 'e2de3e68c0bdd4bb23cfd61b28e705fa426f719566c246530b231d13da5f10d9',
  },
};

/** libtensorflow's archive: the same two files from either source. */
function tensorflowArchive(variant: Variant, source: Source): Archive {
  const jarFolder = `org/tensorflow/internal/c_api/linux-x86_64${variant === 'gpu' ? '-gpu' : ''}`;
  return {
    source,
    ...(source === 'pypi' ? wheels : jars)[variant],
    unpackedSize: variant === 'gpu' ? 1_259_500_000 : 853_000_000,
    folder: libraryFolder(variant),
    files:
      source === 'pypi'
        ? flat('tensorflow', [...libraries, 'THIRD_PARTY_NOTICES.txt', 'include/LICENSE'])
        : flat(jarFolder, [...libraries, 'LICENSE']),
    licence: 'Apache-2.0',
  };
}

/** All that a variant needs, libtensorflow from `source`; NVIDIA's libraries are always pip's. */
export function archivesOf(variant: Variant, source: Source): Archive[] {
  const tensorflow = tensorflowArchive(variant, source);
  return variant === 'gpu' ? [tensorflow, ...nvidiaArchives()] : [tensorflow];
}
