import type { SentError } from '@tp/core/runtime'
import type { BytesRead } from './read-bytes.ts'

/** The messages of the worker that loads one file: how much has arrived, and at the end the file, or why there is none. */
export type LoadMessage =
  | { readonly kind: 'progress'; readonly progress: BytesRead }
  | { readonly kind: 'file'; readonly file: Blob }
  | { readonly kind: 'error'; readonly error: SentError }
