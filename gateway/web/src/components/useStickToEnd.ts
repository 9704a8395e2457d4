import { useEffect, useRef, useState } from "preact/hooks";

/** How near the end still counts as reading the end, in pixels. */
const NEAR_PX = 64;

/** Follows a growing column only while its reader is at the end of it. */
export function useStickToEnd(turnCount: number) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLOListElement>(null);
  const isFollowing = useRef(true);
  const [isAway, setAway] = useState(false);

  const follow = (isAtEnd: boolean) => {
    isFollowing.current = isAtEnd;
    setAway(!isAtEnd);
  };
  const toEnd = () => {
    const box = scroller.current;
    if (box !== null) box.scrollTop = box.scrollHeight;
  };
  const jump = () => {
    follow(true);
    toEnd();
  };

  // A new question is something the reader did: show it.
  useEffect(jump, [turnCount]);
  useEffect(() => {
    const box = scroller.current;
    const column = content.current;
    if (box === null || column === null) return;
    const onScroll = () => follow(box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX);
    const onWheel = (event: WheelEvent) => {
      if (event.deltaY < 0 && box.scrollTop > 0) follow(false);
    };
    const sizes = new ResizeObserver(() => {
      if (isFollowing.current) toEnd();
    });
    sizes.observe(column);
    sizes.observe(box);
    box.addEventListener("scroll", onScroll, { passive: true });
    box.addEventListener("wheel", onWheel, { passive: true });
    return () => {
      sizes.disconnect();
      box.removeEventListener("scroll", onScroll);
      box.removeEventListener("wheel", onWheel);
    };
  }, []);
  return { scroller, content, isAway, jump };
}
