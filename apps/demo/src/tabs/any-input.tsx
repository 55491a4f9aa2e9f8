import type { Signal } from '@preact/signals'
import { modalityOf } from '@tp/data/inputs'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Content } from '../inputs/content.ts'
import { ImageInput } from '../inputs/image/image-input.tsx'
import { fixedSize, imageShape, sampleRate } from '../inputs/input-shapes.ts'
import { MadeUpInput } from '../inputs/made-up-input.tsx'
import type { ModelInputsKnown } from '../inputs/model-inputs-known.ts'
import { neutralContent } from '../inputs/samples/neutral-content.ts'
import { textSamples } from '../inputs/samples/text-samples.ts'
import { SoundInput } from '../inputs/sound/sound-input.tsx'
import { TextInput } from '../inputs/text/text-input.tsx'

export interface AnyInputProps {
  readonly known: ModelInputsKnown
  readonly content: Signal<Content | undefined>
}

/** Where a model of which nothing is known beforehand gets what it takes; it begins with a sample. */
export function AnyInput({ known, content }: AnyInputProps): JSX.Element {
  useEffect(() => {
    content.value ??= neutralContent(known)
  }, [known])
  switch (modalityOf(known.inputs)) {
    case 'text':
      if (known.tokenizer === undefined) {
        return (
          <MadeUpInput
            content={content}
            most={known.facts.maxTokens}
            why="This is a model of text: add its tokenizer.json to give it words."
          />
        )
      }
      return <TextInput content={content} label="Any text" examples={textSamples(known.facts.labels)} />
    case 'image':
      return <ImageInput content={content} shape={imageShape(known)} examples={[]} />
    case 'audio':
      return <SoundInput content={content} sampleRate={sampleRate(known)} length={fixedSize(known, 1)} />
    default:
      return <MadeUpInput content={content} why="The page knows no input of this form." />
  }
}
