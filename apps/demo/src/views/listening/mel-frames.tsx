import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Spectrogram } from '../../listening/protocol.ts'

/** Frames that a position of Whisper is made of. */
const FRAMES_EACH = 2
const HEIGHT = 96

/** The frames that the encoder hears, half a minute from left to right, low tones below; positions that are not kept are left out. */
export function MelFrames({ spectrogram }: { readonly spectrogram: Spectrogram }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null)
  const count = Math.ceil(spectrogram.frames / FRAMES_EACH)
  const { kept } = spectrogram
  useEffect(() => {
    if (canvas.current !== null) draw(canvas.current, spectrogram)
  }, [spectrogram])
  const all = count.toLocaleString('en')
  const said =
    kept === undefined ? `All ${all} positions are computed.` : `${kept.length} of ${all} positions are computed.`
  return (
    <figure class="mel">
      <canvas ref={canvas} width={count} height={HEIGHT} role="img" aria-label={`Mel frames of the window. ${said}`} />
      <figcaption class="note" data-testid={kept === undefined ? 'mel-dense' : 'mel-pruned'}>
        {said}
      </figcaption>
    </figure>
  )
}

/** A column for each position. */
function draw(canvas: HTMLCanvasElement, { bands, frames, levels, kept }: Spectrogram): void {
  const context = canvas.getContext('2d')
  if (context === null) return
  const { width, height } = canvas
  const isKept = new Set(kept ?? Array.from({ length: width }, (_, i) => i))
  const image = context.createImageData(width, height)
  for (let x = 0; x < width; x++) {
    if (!isKept.has(x)) continue
    for (let y = 0; y < height; y++) {
      const band = Math.floor(((height - 1 - y) / height) * bands)
      const level = (levels[band * frames + FRAMES_EACH * x] as number) / 255
      image.data.set([...color(level), 255], 4 * (y * width + x))
    }
  }
  context.putImageData(image, 0, 0)
}

/** From dark blue over green to yellow, as spectrograms are drawn. */
function color(level: number): [number, number, number] {
  const stops: readonly (readonly [number, number, number])[] = [
    [38, 54, 92],
    [33, 110, 122],
    [62, 166, 112],
    [178, 208, 74],
    [253, 231, 76],
  ]
  const at = level * (stops.length - 1)
  const [low, high] = [stops[Math.floor(at)], stops[Math.ceil(at)]] as [(typeof stops)[0], (typeof stops)[0]]
  return low.map((value, i) => value + (at % 1) * ((high[i] as number) - value)) as [number, number, number]
}
