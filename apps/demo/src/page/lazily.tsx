import type { FunctionComponent, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/** A part of the page that is loaded when it is first shown; `Meanwhile` stands in its place. */
export function lazily(
  load: () => Promise<FunctionComponent>,
  Meanwhile: FunctionComponent = Loading,
): FunctionComponent {
  let loaded: FunctionComponent | undefined
  return function Lazy(): JSX.Element {
    const [Content, setContent] = useState(() => loaded)
    const [problem, setProblem] = useState<string>()
    useEffect(() => {
      load().then(
        (content) => {
          loaded = content
          setContent(() => content)
        },
        () => setProblem('This part of the page cannot be loaded; is there a network?'),
      )
    }, [])
    if (problem !== undefined) return <p role="alert">{problem}</p>
    return Content === undefined ? <Meanwhile /> : <Content />
  }
}

function Loading(): JSX.Element {
  return <p class="note">Loading …</p>
}
