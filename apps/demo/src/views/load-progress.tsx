import type { JSX } from 'preact'
import type { BytesRead } from '../loading/read-bytes.ts'

export interface LoadProgressProps {
  readonly progress: BytesRead
  readonly label: string
}

/** How much of something large has arrived, in bytes. */
export function LoadProgress({ progress: { bytes, of }, label }: LoadProgressProps): JSX.Element {
  return (
    <label class="progress">
      <span class="note">
        {label} {megabytes(bytes)}
        {of !== undefined && ` of ${megabytes(of)}`}
      </span>
      <progress {...(of !== undefined && { value: bytes, max: Math.max(of, 1) })} />
    </label>
  )
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
