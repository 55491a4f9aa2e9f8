import { type Signal, signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Content } from '../content.ts'
import { DrawingPad } from './drawing-pad.tsx'
import { type Stroke, strokesImage } from './strokes.ts'
import { writtenDigit } from './written-digit.ts'

/** The drawing, also while another tab is shown. */
const strokes = signal<readonly Stroke[]>([])

/** A digit to draw, or one of the built-in ones. */
export function DigitInput({ content }: { readonly content: Signal<Content | undefined> }): JSX.Element {
  function onDraw(next: readonly Stroke[]): void {
    strokes.value = next
    if (next.length > 0) content.value = { kind: 'image', image: strokesImage(next) }
  }

  async function choose(digit: number): Promise<void> {
    const written = await writtenDigit(digit)
    strokes.value = []
    content.value = written
  }

  return (
    <>
      <DrawingPad strokes={strokes.value} onDraw={onDraw} />
      <fieldset class="examples">
        <legend class="note">Or take a written one:</legend>
        {Array.from({ length: 10 }, (_, digit) => (
          <button key={digit} type="button" aria-label={`A written ${digit}`} onClick={() => choose(digit)}>
            {digit}
          </button>
        ))}
      </fieldset>
    </>
  )
}
