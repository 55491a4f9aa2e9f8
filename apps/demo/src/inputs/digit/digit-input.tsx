import { type Signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { embedded } from '../../workbench/embedded.ts'
import type { Content } from '../content.ts'
import { DrawingPad } from './drawing-pad.tsx'
import { type Stroke, strokesImage } from './strokes.ts'

/** A digit to draw, or one of the built-in ones. */
export function DigitInput({ content }: { readonly content: Signal<Content | undefined> }): JSX.Element {
  const strokes = useSignal<readonly Stroke[]>([])

  function onDraw(next: readonly Stroke[]): void {
    strokes.value = next
    if (next.length > 0) content.value = { kind: 'image', image: strokesImage(next) }
  }

  async function choose(digit: number): Promise<void> {
    const examples = await (await embedded.digits()).set?.load()
    strokes.value = []
    content.value = examples?.find(({ label }) => label === digit)?.content
  }

  useEffect(() => {
    if (content.value === undefined) void choose(5)
  }, [])

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
