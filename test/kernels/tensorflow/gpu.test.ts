// Which GPU a process takes, how much of it, and what is said when it is full: by what nvidia-smi and
// TensorFlow print, for there may be no GPU here.
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {selectBackend} from '../../../src/kernels/backend.js';
import {memoryFromEnvironment, memoryOf, usable} from '../../../src/kernels/deviceMemory.js';
import {
  chooseGpu,
  gpuMemory,
  localRank,
  sharingNote,
  visibleGpus,
} from '../../../src/kernels/tensorflow/gpu.js';
import {findTensorflow} from '../../../src/kernels/tensorflow/layout.js';
import {explainOutOfMemory, outOfMemory} from '../../../src/kernels/tensorflow/outOfMemory.js';
import type {TensorflowBackend} from '../../../src/kernels/tensorflow/tensorflowBackend.js';
import {throwsEmuError} from '../../support/errors.js';
import {skip} from '../../support/skip.js';

const test = suite('tensorflow/gpu');

const absent = () => {
  throw new Error('spawnSync nvidia-smi ENOENT');
};
const two = `GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa-1)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb-2)
`;
const divided = `GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa-1)
  MIG 3g.20gb     Device  0: (UUID: MIG-cccc-3)
  MIG 3g.20gb     Device  1: (UUID: MIG-dddd-4)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb-2)
`;

test('the GPUs of a process are those of CUDA_VISIBLE_DEVICES, else those that nvidia-smi lists', () => {
  const named = (names: string) => visibleGpus({CUDA_VISIBLE_DEVICES: names}, absent);
  assert.equal(named('2,0'), ['2', '0']);
  assert.equal(named(' GPU-aaaa , 1'), ['GPU-aaaa', '1']);
  assert.equal(named(''), []);
  assert.equal(named('-1'), []);
  assert.equal(named('1,-1,0'), ['1']);
  const asked: (readonly string[])[] = [];
  const listed = visibleGpus({}, (args) => {
    asked.push(args);
    return two;
  });
  assert.equal(listed, ['GPU-aaaa-1', 'GPU-bbbb-2']);
  assert.equal(asked, [['-L']]);
  assert.equal(
    visibleGpus({}, () => divided),
    ['MIG-cccc-3', 'MIG-dddd-4', 'GPU-bbbb-2'],
  );
  assert.equal(visibleGpus({}, absent), []);
});

test('ranks take the GPUs of their machine in turn, and know with how many they share', () => {
  const choices = (gpus: string[], size: number) =>
    Array.from({length: size}, (_, rank) => chooseGpu(gpus, {rank, size}));
  assert.equal(choices(['a', 'b'], 2), [
    {gpu: 'a', sharers: 1},
    {gpu: 'b', sharers: 1},
  ]);
  assert.equal(choices(['a', 'b'], 3), [
    {gpu: 'a', sharers: 2},
    {gpu: 'b', sharers: 1},
    {gpu: 'a', sharers: 2},
  ]);
  assert.equal(choices(['a', 'b', 'c'], 1), [{gpu: 'a', sharers: 1}]);
  assert.is(chooseGpu([], {rank: 0, size: 2}), undefined);
  assert.match(
    sharingNote({gpu: 'a', sharers: 2}, {rank: 0, size: 3}) ?? '',
    /^2 processes share a/,
  );
  assert.is(sharingNote({gpu: 'a', sharers: 2}, {rank: 2, size: 3}), undefined); // said once
  assert.is(sharingNote({gpu: 'a', sharers: 1}, {rank: 0, size: 2}), undefined);
  assert.match(sharingNote(undefined, {rank: 0, size: 3}) ?? '', /^nvidia-smi .* all 3 processes/);
  assert.is(sharingNote(undefined, {rank: 0, size: 1}), undefined);
});

test('a rank of its machine is what mpirun says, of Open MPI or MPICH', () => {
  const open = {OMPI_COMM_WORLD_LOCAL_RANK: '1', OMPI_COMM_WORLD_LOCAL_SIZE: '2'};
  assert.equal(localRank(open), {rank: 1, size: 2});
  assert.equal(localRank({MPI_LOCALRANKID: '2', MPI_LOCALNRANKS: '4'}), {rank: 2, size: 4});
  assert.equal(localRank({}), {rank: 0, size: 1});
  assert.equal(localRank({OMPI_COMM_WORLD_LOCAL_RANK: '1'}), {rank: 0, size: 1});
});

test("a GPU's free memory is nvidia-smi's, or why it is not known", () => {
  const asked: (readonly string[])[] = [];
  const found = gpuMemory('GPU-bbbb-2', (args) => {
    asked.push(args);
    return '40000, 40960\n';
  });
  assert.equal(found, {free: 40000 * 2 ** 20, total: 40960 * 2 ** 20});
  assert.equal(asked[0]!.slice(-2), ['-i', 'GPU-bbbb-2']);
  assert.equal(
    gpuMemory(undefined, () => '[N/A], [N/A]'),
    {problem: "nvidia-smi says '[N/A], [N/A]'"},
  );
  assert.equal(gpuMemory(undefined, absent), {problem: 'spawnSync nvidia-smi ENOENT'});
});

test('some of it is left to CUDA; EMU_GPU_MEMORY counts as it is', () => {
  assert.is(usable(8e9), 7.5e9);
  assert.is(usable(80e9), 76e9);
  assert.is(usable(0.2e9), 0);
  assert.is(memoryFromEnvironment('1.5'), 1.5e9);
  assert.is(memoryFromEnvironment('0'), 0);
  assert.is(memoryFromEnvironment(''), undefined);
  assert.is(memoryFromEnvironment(undefined), undefined);
  for (const text of ['much', '-1', 'Infinity', 'NaN']) {
    const error = throwsEmuError(
      () => memoryFromEnvironment(text),
      /^expected EMU_GPU_MEMORY to be a number of gigabytes, got '/,
    );
    assert.is(error.exitCode, 2);
  }
});

test('a model may fill what it is told, else its part of what is free', () => {
  const free = () => '40000, 40960';
  const gpu = {device: 'gpu', gpu: {gpu: 'GPU-bbbb-2', sharers: 2}} as const;
  const bytes = 40000 * 2 ** 20;
  assert.equal(memoryOf(gpu, undefined, free), {bytes: (0.95 * bytes) / 2, device: 'the GPU'});
  assert.equal(memoryOf({device: 'gpu'}, '', free), {bytes: 0.95 * bytes, device: 'the GPU'});
  assert.equal(memoryOf(gpu, '8', absent), {bytes: 8e9, device: 'the GPU'});
  const unknown = memoryOf(gpu, undefined, absent)!;
  assert.equal(unknown, {
    bytes: Number.POSITIVE_INFINITY,
    device: 'the GPU',
    problem: 'spawnSync nvidia-smi ENOENT',
  });
  assert.is(memoryOf({device: 'cpu'}, undefined, free), undefined);
  assert.equal(memoryOf({device: 'cpu'}, '1', absent), {bytes: 1e9, device: 'TensorFlow'});
});

test('memory that runs out is said with what, how much and the ways out; other failures stay', () => {
  const said = (message: string) =>
    outOfMemory(new Error(message), 'in MatMul', 'GPU', 3e8)?.message;
  const full = said(
    'Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[1024,2,1048576] and type half on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc',
  );
  assert.match(
    full ?? '',
    /^out of memory on the GPU, in MatMul: a tensor \[1024, 2, 1048576\] of 4\.3 GB does not fit, 0\.3 GB are free; ask for less at once \(--batch,.*EMU_GPU_MEMORY.*--backend native$/,
  );
  for (const message of [
    'Invalid TF_Status: 13\nMessage: CUDA_ERROR_OUT_OF_MEMORY: out of memory',
    'Invalid TF_Status: 13\nMessage: Failed to call cublasCreate: CUBLAS_STATUS_ALLOC_FAILED',
    'Invalid TF_Status: 8\nMessage: failed to allocate memory',
  ])
    assert.match(
      said(message) ?? '',
      /^out of memory on the GPU, in MatMul, 0\.3 GB are free; ask/,
    );
  assert.is(said('Invalid TF_Status: 3\nMessage: Matrix size-incompatible: [88,8]'), undefined);
});

test('what a binding throws is told by its op; what it gives, and its other members, are as they were', () => {
  let failure = 'Invalid TF_Status: 8\nMessage: OOM when allocating tensor';
  const own = {
    TF_Version: '2',
    getNumOfTensors: () => 7,
    executeOp(name: string) {
      if (name === 'Good') return ['handle'];
      throw new Error(failure);
    },
    createTensor() {
      throw new Error(failure);
    },
    tensorDataSync: () => 'data',
  };
  const backend = {binding: Object.freeze(own) as unknown as TensorflowBackend['binding']};
  let asks = 0;
  explainOutOfMemory(backend, 'gpu', () => {
    asks++;
    return undefined;
  });
  const binding = backend.binding as unknown as typeof own;
  assert.equal([binding.TF_Version, binding.getNumOfTensors()], ['2', 7]);
  assert.equal(binding.executeOp('Good'), ['handle']);
  assert.is(binding.tensorDataSync(), 'data');
  assert.is(asks, 0);
  const error = throwsEmuError(
    () => binding.executeOp('Conv2D'),
    /^out of memory on the GPU, in Conv2D; ask for less/,
  );
  assert.is(error.exitCode, 5);
  assert.is(error.code, 'out_of_memory');
  throwsEmuError(() => binding.createTensor(), /^out of memory on the GPU, bringing a tensor/);
  failure = 'Invalid TF_Status: 3\nMessage: no';
  assert.throws(
    () => binding.executeOp('Conv2D'),
    (thrown: Error) => thrown.message === failure,
  );
});

const found = findTensorflow();
const real = 'TensorFlow says so itself when it cannot allocate';
if ('problem' in found) skip(test, real, found.problem);
else
  test(real, () => {
    process.env.TF_ENABLE_ONEDNN_OPTS = '0'; // whose allocator waits for ten seconds first
    selectBackend({backend: 'tensorflow'});
    const before = tf.memory().numTensors;
    const error = throwsEmuError(
      () => tf.tidy(() => tf.fill([2 ** 20, 2 ** 20, 32], 1)),
      /^out of memory on the CPU, in Fill: a tensor \[1048576, 1048576, 32\] of 140737\.5 GB does not fit, \d+\.\d GB are free; /,
    );
    assert.is(error.exitCode, 5);
    assert.is(tf.memory().numTensors, before);
    assert.is(
      tf.tidy(() => tf.fill([2], 1).dataSync()[1]),
      1,
    ); // it goes on
  });

test.run();
