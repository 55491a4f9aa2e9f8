import type { Server } from '@tp/server'

/** The effect of SIGHUP while a server starts, serves and ends. */
export interface HangUps {
  /** Reloads at every SIGHUP from now on, and now if one has come already. */
  serving(server: Server): void
  /** Ignores them from now on: what is being closed is not opened again. */
  ending(): void
  /** Leaves SIGHUP to others. */
  [Symbol.dispose](): void
}

/** Without a listener SIGHUP ends the process, so there is one from before the first model is opened until the last is closed. */
export function onHangUp(reload: (server: Server) => void): HangUps {
  let state: 'starting' | 'asked while starting' | 'ending' | Server = 'starting'
  const listener = (): void => {
    if (state === 'starting') state = 'asked while starting'
    else if (typeof state === 'object') reload(state)
  }
  process.on('SIGHUP', listener)
  return {
    serving(server) {
      const isPending = state === 'asked while starting'
      state = server
      if (isPending) reload(server)
    },
    ending() {
      state = 'ending'
    },
    [Symbol.dispose]: () => void process.off('SIGHUP', listener),
  }
}
