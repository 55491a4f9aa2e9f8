import { checkAmount } from '../amount.ts'
import type { ImageShift } from '../shift.ts'

export type Fill = 'edge' | 'black'

/**
 * Moves an image by whole pixels in one of eight directions, which chance chooses.
 * @param share of the shorter side, 0…1; more than 0 is at least one pixel
 * @param fill what fills the gap: the pixels at the edge, or black
 * @throws TpError TP_OPTION
 */
export function translate(share: number, fill: Fill = 'edge'): ImageShift {
  checkAmount('translate', 'the share of the side', share, 0, 1)
  return {
    modality: 'image',
    name: `translate ${share}`,
    apply(image, random) {
      const { channels, height, width, pixels } = image
      const distance = share === 0 ? 0 : Math.max(1, Math.round(share * Math.min(height, width)))
      const [right, down] = DIRECTIONS[Math.floor(random() * DIRECTIONS.length)] as readonly [number, number]
      const moved = new Float32Array(pixels.length)
      for (let c = 0; c < channels; c++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const [fromX, fromY] = [x - right * distance, y - down * distance]
            const [insideX, insideY] = [within(fromX, width), within(fromY, height)]
            if (fill === 'black' && (insideX !== fromX || insideY !== fromY)) continue
            moved[(c * height + y) * width + x] = pixels[(c * height + insideY) * width + insideX] as number
          }
        }
      }
      return { ...image, pixels: moved }
    },
  }
}

const DIRECTIONS = [-1, 0, 1]
  .flatMap((right) => [-1, 0, 1].map((down) => [right, down] as const))
  .filter(([right, down]) => right !== 0 || down !== 0)

function within(position: number, size: number): number {
  return Math.min(size - 1, Math.max(0, position))
}
