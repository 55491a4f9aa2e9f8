import { modalityOf } from '@tp/data/inputs'
import type { Content, InputImage, InputSound } from '../content.ts'
import { type PhotoShape, photoImage } from '../image/photo-image.ts'
import { fixedSize, imageShape, sampleRate } from '../input-shapes.ts'
import type { ModelInputsKnown } from '../model-inputs-known.ts'
import { textSamples } from './text-samples.ts'

/** Something for a model to read as soon as it is there; undefined where the page can make nothing that means something. */
export function neutralContent(known: ModelInputsKnown): Content | undefined {
  const modality = modalityOf(known.inputs)
  if (modality === 'image') return { kind: 'image', image: landscape(imageShape(known)) }
  if (modality === 'audio') return { kind: 'sound', sound: chirp(sampleRate(known), fixedSize(known, 1)) }
  const [sample] = textSamples(known.facts.labels)
  if (modality !== 'text' || known.tokenizer === undefined || sample === undefined) return undefined
  return { kind: 'text', text: sample.text }
}

/** Hills under a sun. */
function landscape(shape: PhotoShape): InputImage {
  const canvas = new OffscreenCanvas(shape.width, shape.height)
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D
  context.scale(shape.width, shape.height)
  const fill = (color: string, path: string): void => {
    context.fillStyle = color
    context.fill(new Path2D(path))
  }
  fill('#8ec5ee', 'M0 0 H1 V1 H0 Z')
  fill('#ffd75e', 'M0.85 0.22 A0.1 0.1 0 1 1 0.65 0.22 A0.1 0.1 0 1 1 0.85 0.22 Z')
  fill('#7d8f63', 'M0 0.6 L0.3 0.35 L0.6 0.62 L0.8 0.5 L1 0.66 V1 H0 Z')
  fill('#4e7a3a', 'M0 0.78 Q0.3 0.64 0.6 0.76 T1 0.74 V1 H0 Z')
  return photoImage(canvas, shape)
}

const CHIRP_S = 2
const [LOWEST_HZ, HIGHEST_HZ] = [200, 2000]

/** A tone that rises. */
function chirp(rate: number, length = CHIRP_S * rate): InputSound {
  const seconds = length / rate
  const samples = Float32Array.from({ length }, (_, i) => {
    const t = i / rate
    const turns = LOWEST_HZ * t + ((HIGHEST_HZ - LOWEST_HZ) * t * t) / (2 * seconds)
    return 0.5 * Math.sin(2 * Math.PI * turns)
  })
  return { sampleRate: rate, samples }
}
