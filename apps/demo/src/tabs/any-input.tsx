import type { Signal } from '@preact/signals'
import { modalityOf } from '@tp/eval/inputs'
import type { JSX } from 'preact'
import type { Content } from '../inputs/content.ts'
import { ImageInput } from '../inputs/image/image-input.tsx'
import { MadeUpInput } from '../inputs/made-up-input.tsx'
import type { ModelInputsKnown } from '../inputs/model-inputs-known.ts'
import { SoundInput } from '../inputs/sound/sound-input.tsx'
import { exampleMails } from '../inputs/text/example-mails.ts'
import { TextInput } from '../inputs/text/text-input.tsx'

const STANDARD_SIDE = 224
const STANDARD_RATE = 16_000

export interface AnyInputProps {
  readonly known: ModelInputsKnown
  readonly content: Signal<Content | undefined>
}

/** Where a model of which nothing is known beforehand gets what it takes. */
export function AnyInput({ known: { inputs, facts, tokenizer }, content }: AnyInputProps): JSX.Element {
  const dims = inputs[0]?.dims ?? []
  const fixed = (axis: number): number | undefined => {
    const size = dims[axis]
    return typeof size === 'number' ? size : undefined
  }
  switch (modalityOf(inputs)) {
    case 'text':
      if (tokenizer === undefined) {
        return (
          <MadeUpInput
            content={content}
            most={facts.maxTokens}
            why="This is a model of text: add its tokenizer.json to give it words."
          />
        )
      }
      return <TextInput content={content} label="Any text" examples={exampleMails} />
    case 'image': {
      const side = facts.imageSize ?? STANDARD_SIDE
      const shape = { channels: fixed(1) ?? 3, height: fixed(2) ?? side, width: fixed(3) ?? side }
      return <ImageInput content={content} shape={shape} examples={[]} />
    }
    case 'audio':
      return <SoundInput content={content} sampleRate={facts.sampleRate ?? STANDARD_RATE} length={fixed(1)} />
    default:
      return <MadeUpInput content={content} why="The page knows no input of this form." />
  }
}
