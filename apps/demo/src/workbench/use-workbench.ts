import type { Signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import type { Content } from '../inputs/content.ts'
import type { ModelSource } from './model-source.ts'
import type { WorkbenchSettings } from './settings.ts'
import { openWorkbench, type Workbench } from './workbench.ts'

/** A workbench for as long as a part of the page is shown; undefined until the model is there. */
export function useWorkbench(
  source: ModelSource | undefined,
  settings: Signal<WorkbenchSettings>,
  content: Signal<Content | undefined>,
): Workbench | undefined {
  const [bench, setBench] = useState<Workbench>()
  useEffect(() => {
    if (source === undefined) return
    const opened = openWorkbench(source, settings, content)
    setBench(opened)
    return () => {
      setBench(undefined)
      opened.end()
    }
  }, [source, settings, content])
  return bench
}
