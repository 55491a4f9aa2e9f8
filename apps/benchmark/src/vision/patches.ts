import type { Subject } from '../measure/subject.ts'

/** Patches are squares of 5 × 5 points, two apart. */
export const PATCH = { side: 5, step: 2, across: 14 }
/** Mean brightness below which a patch is background. */
const BACKGROUND = 0.05

/** Whether a token of an image is looked at, 0 or 1. */
export type Kept = (image: number, patch: number) => number

/** Mean brightness 0…1 of each patch of each image. */
export async function patchesOf({ inputs }: Subject): Promise<Float32Array[]> {
  const feeds = await inputs.feeds(inputs.targets.map((_, i) => i))
  return brightness(Object.values(feeds)[0]?.data as Float32Array)
}

/** Mean brightness of each patch, of images whose points the model takes normalised: black is the least of all. */
function brightness(pixels: Float32Array): Float32Array[] {
  const side = PATCH.across * PATCH.step
  const size = side * side
  return Array.from({ length: pixels.length / size }, (_, image) => {
    const points = pixels.subarray(image * size, (image + 1) * size)
    const [black, white] = [Math.min(...points), Math.max(...points)]
    return Float32Array.from({ length: PATCH.across ** 2 }, (_, patch) => {
      const [row, column] = [Math.floor(patch / PATCH.across), patch % PATCH.across]
      let [sum, count] = [0, 0]
      for (const y of window(row, side)) {
        for (const x of window(column, side)) {
          sum += (points[y * side + x] as number) - black
          count += 1
        }
      }
      return sum / count / Math.max(white - black, 1e-6)
    })
  })
}

function window(place: number, side: number): number[] {
  const first = place * PATCH.step - (PATCH.side - 1) / 2
  return Array.from({ length: PATCH.side }, (_, i) => first + i).filter((point) => point >= 0 && point < side)
}

/** Of the tokens that stay, how many are empty background, over all images. */
export function backgroundShare(patches: readonly Float32Array[], kept: Kept): number {
  let [background, all] = [0, 0]
  for (const [image, brightness] of patches.entries()) {
    for (const [patch, value] of brightness.entries()) {
      const stays = kept(image, patch)
      all += stays
      if (value < BACKGROUND) background += stays
    }
  }
  return background / all
}

/** Of the tokens that are in `these`, how many are in `those`, over so many images. */
export function commonShare(these: Kept, those: Kept, images: number): number {
  let [common, all] = [0, 0]
  for (let image = 0; image < images; image++) {
    for (let patch = 0; patch < PATCH.across ** 2; patch++) {
      all += these(image, patch)
      common += these(image, patch) * those(image, patch)
    }
  }
  return common / all
}
