import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Models of images and text with random weights, in the layout of transformers.js; `make-vision-language.py` makes them. */
export type VisionLanguageName = 'smolvlm' | 'llava'

/** The folder of one. */
export function visionLanguagePath(name: VisionLanguageName): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
}

/** The words of PyTorch about two images, by the method that chooses image tokens; `none` keeps all. */
interface ImagesInTorch {
  /** The positions of the kept image tokens of each image. */
  readonly kept: Readonly<Record<string, readonly (readonly number[])[]>>
  /** The logits [32] after a prompt with these image tokens alone. */
  readonly logits: Readonly<Record<string, readonly number[]>>
}

export function imagesInTorch(name: VisionLanguageName): ImagesInTorch {
  return JSON.parse(readFileSync(`${visionLanguagePath(name)}/by-torch.json`, 'utf8'))
}
