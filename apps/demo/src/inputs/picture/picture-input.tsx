import { type Signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Content, Picture } from '../content.ts'
import { FileDrop } from '../file-drop.tsx'
import { brightOnBlack, photoPicture, type Shape } from './photo-picture.ts'
import { PictureCanvas } from './picture-canvas.tsx'

export interface PictureInputProps {
  readonly content: Signal<Content | undefined>
  /** What the model takes. */
  readonly shape: Shape
  /** Whether the model knows only what is bright on black. */
  readonly onBlack?: boolean
  readonly examples: readonly { readonly title: string; readonly picture: Picture }[]
}

/** A picture to choose, drop, or photograph. */
export function PictureInput({ content, shape, onBlack = false, examples }: PictureInputProps): JSX.Element {
  const problem = useSignal<string | undefined>(undefined)
  const give = (picture: Picture): void => {
    problem.value = undefined
    content.value = { kind: 'picture', picture: onBlack ? brightOnBlack(picture) : picture }
  }

  async function onFiles([file]: readonly File[]): Promise<void> {
    if (file === undefined) return
    try {
      give(photoPicture(await createImageBitmap(file), shape))
    } catch {
      problem.value = `${file.name} is no picture that this browser can read; PNG, JPEG and WebP work.`
    }
  }

  return (
    <>
      <FileDrop label="Choose a picture, or drop one here" accept="image/*" multiple={false} onFiles={onFiles} />
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {onBlack && (
        <p class="note">Dark on bright is turned round, and all is made {shape.width} pixels wide and grey.</p>
      )}
      {examples.length > 0 && (
        <div class="examples">
          <span class="note">Or try:</span>
          {examples.map(({ title, picture }) => (
            <button key={title} type="button" class="thumbnail" onClick={() => give(picture)}>
              <PictureCanvas picture={picture} />
              {title}
            </button>
          ))}
        </div>
      )}
    </>
  )
}
