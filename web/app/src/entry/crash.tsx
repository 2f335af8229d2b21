import { Component, type ReactNode } from "react";
import { EndingPage } from "./ending-page.tsx";

/** A mistake of ours ends in a page that can be read, and in the console as it is. */
export class Crash extends Component<{ children: ReactNode }, { crashed: boolean }> {
  override state = { crashed: false };

  static getDerivedStateFromError() {
    return { crashed: true };
  }

  override render() {
    if (!this.state.crashed) return this.props.children;
    return <EndingPage ending={{ code: "failed", message: "" }} onJoin={() => location.reload()} />;
  }
}
