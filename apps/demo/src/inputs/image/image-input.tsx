import { type Signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Content, InputImage } from '../content.ts'
import { FileDrop } from '../file-drop.tsx'
import { useLatest } from '../latest.ts'
import { ImageCanvas } from './image-canvas.tsx'
import { brightOnBlack, type PhotoShape, photoImage } from './photo-image.ts'

export interface ImageInputProps {
  readonly content: Signal<Content | undefined>
  /** The form of image that the model takes. */
  readonly shape: PhotoShape
  /** Whether the model knows only what is bright on black. */
  readonly onBlack?: boolean
  readonly examples: readonly { readonly title: string; readonly image: InputImage }[]
}

/** An image to choose, drop, or photograph. */
export function ImageInput({ content, shape, onBlack = false, examples }: ImageInputProps): JSX.Element {
  const problem = useSignal<string | undefined>(undefined)
  const begin = useLatest()
  const give = (image: InputImage): void => {
    begin()
    problem.value = undefined
    content.value = { kind: 'image', image: onBlack ? brightOnBlack(image) : image }
  }

  async function onFiles([file]: readonly File[]): Promise<void> {
    if (file === undefined) return
    const isLatest = begin()
    try {
      const image = photoImage(await createImageBitmap(file), shape)
      if (isLatest()) give(image)
    } catch {
      if (isLatest())
        problem.value = `${file.name} is not an image that this browser can read; PNG, JPEG and WebP work.`
    }
  }

  return (
    <>
      <FileDrop label="Choose an image, or drop one here" accept="image/*" multiple={false} onFiles={onFiles} />
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {onBlack && (
        <p class="note">Dark on bright is inverted, and every image becomes gray and {shape.width} pixels wide.</p>
      )}
      {examples.length > 0 && (
        <div class="examples">
          <span class="note">Or try:</span>
          {examples.map(({ title, image }) => (
            <button key={title} type="button" class="thumbnail" onClick={() => give(image)}>
              <ImageCanvas image={image} />
              {title}
            </button>
          ))}
        </div>
      )}
    </>
  )
}
