/** Published data in a public repository. */
export interface Suite {
  readonly what: string
  /** SPDX identifier, or what the publisher says instead. */
  readonly license: string
  /** `owner/name` on GitHub. */
  readonly repository: string
  /** Hash of a commit, which pins the content of every file. */
  readonly commit: string
  /** Files and folders that are checked out, as pathspecs of git. */
  readonly paths: readonly string[]
  /** Makes the suite's folder of the files checked out: in a form that `@tp/data` reads. */
  readonly convert: (checkout: string, folder: string) => Promise<void>
}

export type SuiteName =
  | 'trecqa'
  | 'sick'
  | 'sts-2015'
  | 'msr-paraphrases'
  | 'banking77'
  | 'hatecheck'
  | 'wnut17'
  | 'vaswani'
  | 'xquad'
  | 'cifar10'
  | 'imagenet-samples'
  | 'leopard'
  | 'custom-speech'
