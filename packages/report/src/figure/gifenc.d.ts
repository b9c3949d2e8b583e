declare module 'gifenc' {
  interface Encoder {
    writeFrame(
      index: Uint8Array,
      width: number,
      height: number,
      options: { palette?: number[][]; delay?: number; repeat?: number },
    ): void;
    finish(): void;
    bytes(): Uint8Array;
  }
  export const GIFEncoder: (() => Encoder) | undefined;
  const whole: { GIFEncoder: () => Encoder };
  export default whole;
}
