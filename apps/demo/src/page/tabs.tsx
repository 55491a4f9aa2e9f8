import type { Signal } from '@preact/signals'
import type { FunctionComponent, JSX } from 'preact'
import { useEffect } from 'preact/hooks'

export interface Tab {
  readonly id: string
  readonly title: string
  readonly Content: FunctionComponent
}

export interface TabsProps {
  readonly tabs: readonly Tab[]
  readonly chosen: Signal<string>
}

/** Tabs by the pattern of WAI-ARIA: one stop of the tab key, arrows between them. */
export function Tabs({ tabs, chosen }: TabsProps): JSX.Element {
  const at = tabs.findIndex(({ id }) => id === chosen.value)
  const { id, Content } = tabs[at] as Tab

  // On a phone the tabs are wider than the screen.
  useEffect(() => {
    document.getElementById(`tab-${id}`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [id])

  function choose(index: number): void {
    const { id } = tabs[(index + tabs.length) % tabs.length] as Tab
    chosen.value = id
    history.replaceState(null, '', `#${id}`)
    document.getElementById(`tab-${id}`)?.focus()
  }

  function onKeyDown(event: KeyboardEvent): void {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    choose(to)
  }

  return (
    <>
      <div role="tablist" aria-label="What to try it on" onKeyDown={onKeyDown}>
        {tabs.map((tab, i) => (
          <button
            key={tab.id}
            id={`tab-${tab.id}`}
            type="button"
            role="tab"
            aria-selected={i === at}
            aria-controls="panel"
            tabIndex={i === at ? 0 : -1}
            onClick={() => choose(i)}
          >
            {tab.title}
          </button>
        ))}
      </div>
      <div id="panel" role="tabpanel" aria-labelledby={`tab-${id}`} key={id}>
        <Content />
      </div>
    </>
  )
}
