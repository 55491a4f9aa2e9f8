import { isTpError, TpError } from '@tp/core'
import { bareMessage } from '@tp/core/host'
import type { FastifyError } from 'fastify'

/** The status of each code that a request can meet with; other errors are the server's. */
const STATUS: Readonly<Record<string, number>> = {
  TP_REQUEST: 400,
  TP_INPUT: 400,
  TP_UNKNOWN_MODEL: 404,
  TP_NOT_FOUND: 404,
  TP_BODY_SIZE: 413,
  TP_TOO_MANY: 413,
  TP_TOO_LONG: 413,
  TP_MEDIA_TYPE: 415,
  TP_TOKENIZER: 422,
  TP_TASK: 424,
  TP_BUSY: 429,
  TP_ABORTED: 499,
  TP_CLOSED: 503,
}

/** The answer to a request that fails. */
export interface Failure {
  readonly status: number
  /** Stable, for programs. */
  readonly code: string
  readonly message: string
}

export function failureOf(error: unknown): Failure {
  if (isTpError(error)) {
    const message = bareMessage(error)
    return { status: STATUS[error.code] ?? 500, code: error.code, message }
  }
  const { statusCode = 500, code, message } = error as FastifyError
  if (statusCode === 413) return { status: 413, code: 'TP_BODY_SIZE', message: `${message}; send less at once` }
  if (statusCode === 415) return { status: 415, code: 'TP_MEDIA_TYPE', message: `${message}; send application/json` }
  if (code?.startsWith('Z_'))
    return { status: 400, code: 'TP_REQUEST', message: `the body cannot be decompressed: ${message}` }
  if (statusCode < 500) return { status: statusCode, code: 'TP_REQUEST', message }
  return {
    status: 500,
    code: 'TP_INTERNAL',
    message: `this is a bug in tp, please report it: ${message} ${code ?? ''}`.trim(),
  }
}

/** Says what a request did wrong. */
export function requestError(message: string): TpError {
  return new TpError('TP_REQUEST', 'server', message)
}

/** Text of a body. @throws TpError TP_REQUEST for bytes that are not UTF-8, which would be read as another text */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw requestError('the body is not valid UTF-8; send JSON in UTF-8')
  }
}

/** The words that text-embeddings-inference has for kinds of errors. */
export function teiKind({ status, code }: Failure): string {
  if (code === 'TP_TOKENIZER') return 'tokenizer'
  if (status === 429) return 'overloaded'
  if (status === 503) return 'unhealthy'
  return status < 500 && status !== 424 ? 'validation' : 'backend'
}
