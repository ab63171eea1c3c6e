// The concrete concepts that Microsoft's animated Fluent emoji show moving: of each of npm's packages
// (MIT) the assets, less their ending .webp. Files of one frame are left out.
export const ANIMATED_VERSION = '1.0.0';

export const animated: readonly {readonly package: string; readonly assets: readonly string[]}[] = [
  {
    package: '@lobehub/fluent-emoji-anim-1',
    assets: [
      ...'1f300 1f302 1f308 1f30a 1f30c 1f31a 1f31b 1f31c 1f31d 1f31e 1f31f 1f320'.split(' '),
      ...'1f324-fe0f 1f325-fe0f 1f326-fe0f 1f327-fe0f 1f328-fe0f 1f329-fe0f 1f32a-fe0f'.split(' '),
      ...'1f32b-fe0f 1f32c-fe0f 1f375 1f378 1f379 1f37a 1f37b 1f37e 1f382 1f383 1f384'.split(' '),
      ...'1f389 1f3a1 1f3a2 1f3b6 1f3cd-fe0f 1f3ce-fe0f 1f400 1f401 1f402 1f403 1f404'.split(' '),
      ...'1f405 1f406 1f407 1f408 1f408-200d-2b1b 1f409 1f40a 1f40b 1f40c 1f40d 1f40e'.split(' '),
      ...'1f40f 1f410 1f411 1f412 1f413 1f414 1f415 1f415-200d-1f9ba 1f416 1f417 1f418'.split(' '),
      ...'1f419 1f41a 1f41b 1f41c 1f41d 1f41e 1f41f 1f420 1f421 1f422 1f423 1f424 1f425'.split(' '),
      ...'1f426 1f427 1f428 1f429 1f42a 1f42b 1f42c 1f42d 1f42e 1f42f 1f430 1f431 1f432'.split(' '),
      ...'1f433 1f434 1f435 1f436 1f437 1f438 1f439 1f43a 1f43b 1f43b-200d-2744-fe0f'.split(' '),
      ...'1f43c 1f43d 1f43e 1f43f-fe0f'.split(' '),
    ],
  },
  {
    package: '@lobehub/fluent-emoji-anim-2',
    assets: [
      ...'1f488 1f4a3 1f4a7 1f4ba 1f4de 1f4f8 1f525 1f52e 1f54a-fe0f 1f550 1f551 1f552'.split(' '),
      ...'1f553 1f554 1f555 1f556 1f557 1f558 1f559 1f55a 1f55b 1f55c 1f55d 1f55e 1f55f'.split(' '),
      ...'1f560 1f561 1f562 1f563 1f564 1f565 1f566 1f567 1f570-fe0f 1f577-fe0f'.split(' '),
      ...'1f578-fe0f 1f5d3-fe0f'.split(' '),
    ],
  },
  {
    package: '@lobehub/fluent-emoji-anim-3',
    assets: [
      ...'1f680 1f681 1f682 1f688 1f68b 1f68c 1f68e 1f690 1f691 1f692 1f693 1f694 1f695'.split(' '),
      ...'1f696 1f697 1f698 1f699 1f69a 1f69b 1f69c 1f69d 1f69f 1f6a0 1f6a1 1f6a2 1f6a4'.split(' '),
      ...'1f6d6 1f6e5-fe0f 1f6e9-fe0f 1f6eb 1f6ec 1f6f3-fe0f 1f6f6 1f6f8 1f6fa 1f6fc'.split(' '),
      ...'1f940 1f942 1f943 1f980 1f981 1f982 1f983 1f984 1f985 1f986 1f987 1f988 1f989'.split(' '),
      ...'1f98a 1f98b 1f98c 1f98d 1f98e 1f98f 1f990 1f991 1f992 1f993 1f994 1f995 1f996'.split(' '),
      ...'1f997 1f998 1f999 1f99a 1f99b 1f99c 1f99d 1f99e 1f99f'.split(' '),
    ],
  },
  {
    package: '@lobehub/fluent-emoji-anim-4',
    assets: [
      ...'1f9a0 1f9a1 1f9a2 1f9a3 1f9a4 1f9a5 1f9a6 1f9a7 1f9a8 1f9a9 1f9ab 1f9ac 1f9ad'.split(' '),
      ...'1f9ae 1f9ed 1f9f8 1fa82 1fa90 1fab0 1fab1 1fab2 1fab3 1fab5 231a 231b 23f0'.split(' '),
      ...'23f1-fe0f 23f2-fe0f 23f3 2600-fe0f 2601-fe0f 2602-fe0f 2603-fe0f 2604-fe0f'.split(' '),
      ...'2614 2615 26a1 26c4 26c5 26c8-fe0f 26f2 26f4-fe0f 26f5 2708-fe0f 2744-fe0f'.split(' '),
      ...'2b50'.split(' '),
    ],
  },
];
