/** What a model is, and how it runs. */
export interface Info {
  readonly name: string;
  /** Pixels of the network's input. */
  readonly width: number;
  readonly height: number;
  /** Such as "int8" or "float32". */
  readonly precision: string;
  /** Kernels in use, such as "relaxed-threads". */
  readonly variant: string;
  readonly threads: number;
  readonly params: number;
  /** Multiplications of a frame. */
  readonly macs: number;
  /** Bytes of the kernels' memory. */
  readonly memory: number;
  /** Names by class. */
  readonly classes: readonly string[];
  /** The file is quantized, whatever it runs in. */
  readonly quantized: boolean;
}

export interface LoadOptions {
  /** Pixels of the network's input, a multiple of 32, or [width, height]; 0 is the model's own. */
  size?: number | [number, number];
  precision?: "file" | "float" | "mixed";
  /** Threads, where the page is isolated from other origins; else there is one. */
  threads?: number;
  /** "simd128" declines relaxed SIMD. */
  kernels?: "simd128";
  /** Name of a model that has none. */
  name?: string;
}

export interface DetectOptions {
  /** Least score of a box, 0 to 1; 0.25 where not given. */
  conf?: number;
  /** Overlap above which the weaker of two boxes goes, 0 to 1; 0.7 where not given. */
  iou?: number;
  /** Most boxes; 300 where not given. */
  max?: number;
}

/** A box in pixels of the picture. */
export interface Box {
  x1: number;
  y1: number;
  x2: number;
  y2: number;
  /** 0 to 1. */
  score: number;
  class: number;
  name: string;
}

export interface Result {
  /** Pixels of the picture. */
  width: number;
  height: number;
  /** The best first. */
  boxes: Box[];
  /** Milliseconds. */
  times: { prepare: number; infer: number; decode: number };
}

export type Source =
  | HTMLImageElement | HTMLVideoElement | HTMLCanvasElement | OffscreenCanvas
  | ImageBitmap | ImageData | VideoFrame | Blob;

/** A model that is loaded, in a worker of its own. */
export class Detector {
  private constructor();
  readonly info: Info;
  /** Finds objects in a picture. Calls queue; each takes the picture when its turn comes. */
  detect(source: Source, options?: DetectOptions): Promise<Result>;
  /** Ends the worker and gives its memory back. */
  dispose(): void;
}

/** Loads a model from an address or from bytes; the site's own where none is given. */
export function load(model?: string | URL | Blob | ArrayBuffer | ArrayBufferView | null, options?: LoadOptions): Promise<Detector>;

export interface EagleEyeEventMap extends HTMLElementEventMap {
  ready: CustomEvent<Info>;
  detect: CustomEvent<Result>;
}

/** The element <eagle-eye>: a picture with its boxes. An error event carries the Error as its detail. */
export class EagleEye extends HTMLElement {
  readonly detector: Detector | undefined;
  readonly result: Result | undefined;
  addEventListener<K extends keyof EagleEyeEventMap>(type: K, listener: (this: EagleEye, event: EagleEyeEventMap[K]) => unknown, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "eagle-eye": EagleEye;
  }
}
