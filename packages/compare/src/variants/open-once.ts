import type { Session } from '@tp/core/runtime'

interface OpenedOnce extends AsyncDisposable {
  /** The same session each time. */
  readonly open: () => Promise<Session>
}

/** A session that is opened when it is first needed, if it is, and ends with what needs it. */
export function openOnce(open: () => Promise<Session>): OpenedOnce {
  let opened: Promise<Session> | undefined
  return {
    open() {
      opened ??= open()
      return opened
    },
    async [Symbol.asyncDispose]() {
      await (await opened)?.[Symbol.asyncDispose]()
    },
  }
}
