import { setImmediate } from 'node:timers/promises'
import { throwIfAborted } from '@tp/core/runtime'

/** Between steps that compute without a pause: hears signals that came meanwhile. @throws TpError TP_ABORTED */
export async function pause(signal: AbortSignal): Promise<void> {
  await setImmediate()
  throwIfAborted(signal, 'tp')
}
