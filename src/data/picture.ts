/** A decoded picture or video frame. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** RGB, 8 bits, row-major: [height, width, 3]. */
  readonly data: Uint8Array;
}
