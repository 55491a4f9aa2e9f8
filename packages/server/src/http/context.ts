import { TpError } from '@tp/core'
import type { ServedModel } from '../model/served-model.ts'
import { requestError } from './errors.ts'

/** Limits on one request. */
export interface RequestLimits {
  /** Texts, or rows of tensors. */
  readonly texts: number
  /** Bytes. */
  readonly body: number
  /** Bytes of all bodies that are still being sent. */
  readonly received: number
  /** Bytes of all pipelined requests that wait for those before them. */
  readonly waiting: number
  /** Bytes of all answers that clients have not read yet. */
  readonly unread: number
  /** Numbers and texts of tensors in one answer of JSON, which is written at once. */
  readonly values: number
  /** Requests that are answered at the same time. */
  readonly requests: number
  /** Milliseconds that a client has to send a request. */
  readonly sendMs: number
}

/** The state that routes answer from. */
export interface RouteContext {
  readonly version: string
  readonly models: ReadonlyMap<string, ServedModel>
  readonly limits: RequestLimits
  /** Whether texts that are too long are cut where a request does not say. */
  readonly truncate: boolean
  /** Whether a request would be answered: nothing is being closed, and not too many are being answered. */
  isReady(): boolean
  /** False once a model is lost: only a new process answers again. */
  isHealthy(): boolean
  /** Whether nothing is listening any more, so that every answer is its connection's last. */
  isEnding(): boolean
}

/** @throws TpError TP_UNKNOWN_MODEL */
export function modelNamed({ models }: RouteContext, name: string): ServedModel {
  const model = models.get(name)
  if (model !== undefined) return model
  throw new TpError(
    'TP_UNKNOWN_MODEL',
    'server',
    `there is no model ${JSON.stringify(name.slice(0, 100))}; there are ${[...models.keys()].join(', ')}`,
  )
}

/** Where the Open Inference Protocol has what concerns one model. */
export const MODEL_PATHS = ['/v2/models/:model', '/v2/models/:model/versions/:version'] as const

export interface OfModel {
  Params: { model: string; version?: string }
}

/** @throws TpError TP_UNKNOWN_MODEL, for another version than the current one, too */
export function modelOfVersion(context: RouteContext, { model, version }: OfModel['Params']): ServedModel {
  const served = modelNamed(context, model)
  if (version === undefined || version === served.current.version) return served
  throw new TpError(
    'TP_UNKNOWN_MODEL',
    'server',
    `${served.name} has the version ${served.current.version}, and no ${version.slice(0, 40)}`,
  )
}

/** @throws TpError TP_REQUEST for no texts, TP_TOO_MANY */
export function checkCount(count: number, { limits }: RouteContext): void {
  if (count === 0) throw requestError('the request has no texts; send one or more')
  if (count <= limits.texts) return
  throw new TpError(
    'TP_TOO_MANY',
    'server',
    `the request has ${count} texts, and at most ${limits.texts} are answered at once; send several requests`,
  )
}
