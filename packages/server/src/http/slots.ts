import { TpError } from '@tp/core'
import type { FastifyInstance } from 'fastify'
import { whenOver } from './over.ts'

/** Requests that are answered at the same time. */
export interface RequestSlots {
  /** Whether one more request would be answered. */
  isOneFree(): boolean
}

/**
 * Refuses requests while so many are being answered. One that is still being sent holds no slot, nor does one whose answer is
 * ready, or whose client has left.
 */
export function limitRequests(app: FastifyInstance, most: number): RequestSlots {
  const held = new WeakMap<object, () => void>()
  let taken = 0

  function refuseIfNoneIsFree(): void {
    if (taken < most) return
    throw new TpError('TP_BUSY', 'server', `${taken} requests are being answered already; ask again later`)
  }

  // Before the body is read, which would be for nothing.
  app.addHook('onRequest', async ({ method }) => {
    if (method === 'POST') refuseIfNoneIsFree()
  })
  app.addHook('preValidation', async ({ method }, reply) => {
    if (method !== 'POST') return
    refuseIfNoneIsFree()
    taken++
    const release = (): void => {
      if (held.delete(reply)) taken--
    }
    held.set(reply, release)
    whenOver(reply, release)
  })
  app.addHook('onSend', async (_request, reply) => held.get(reply)?.())
  return { isOneFree: () => taken < most }
}
