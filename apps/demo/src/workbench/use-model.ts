import { useEffect, useState } from 'preact/hooks'
import type { ModelSource } from './model-source.ts'

/** A model that comes with the page, loaded when it is first needed and kept. */
export function useModel(load: () => Promise<ModelSource>): {
  readonly source?: ModelSource
  readonly problem?: string
} {
  const [state, setState] = useState<{ readonly source?: ModelSource; readonly problem?: string }>({})
  useEffect(() => {
    load().then(
      (source) => setState({ source }),
      (error: unknown) => setState({ problem: String(error) }),
    )
  }, [load])
  return state
}
