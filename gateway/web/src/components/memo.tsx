import { Component, type ComponentType, type FunctionComponent } from "preact";

/** Draws again only when a prop is another value than before. */
export function memo<Props extends object>(View: FunctionComponent<Props>): ComponentType<Props> {
  return class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Props): boolean {
      const before = this.props as Record<string, unknown>;
      const after = next as Record<string, unknown>;
      return Object.keys({ ...before, ...after }).some((key) => before[key] !== after[key]);
    }

    override render() {
      return <View {...(this.props as Props)} />;
    }
  };
}
