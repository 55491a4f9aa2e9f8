import { isTpError, TpError } from '@tp/core'
import type { NamedTensors, RunOptions, Session } from '@tp/core/runtime'

/** A session of the model that another one is compared with: where it does not run (TP_RUN), nothing that was changed is to blame (TP_DENSE). */
export function denseSession(session: Session): Session {
  return Object.create(session, {
    run: {
      async value(feeds: NamedTensors, options?: RunOptions): Promise<NamedTensors> {
        try {
          return await session.run(feeds, options)
        } catch (error) {
          if (!isTpError(error) || error.code !== 'TP_RUN') throw error
          const shapes = Object.entries(feeds).map(([name, { dims }]) => `${name} [${dims}]`)
          const problem = `the dense model itself does not run on ${shapes.join(', ')}, before anything is changed`
          const advice = 'nothing can be compared with it; export it so that it runs, or do without verification'
          throw new TpError('TP_DENSE', 'compare', `${problem} (${error.message}); ${advice}`, { cause: error })
        }
      },
    },
  })
}
