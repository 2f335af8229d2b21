/** A refusal with one of the media contract's codes. Its message goes to the adapter: no SDP and no addresses in it. */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export const invalid = (message: string) => new Refusal("invalid_description", message);

/** What the client sent is at fault if `step`, which only works on that, fails. */
export function faultOfClient<T>(message: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw invalid(message);
  }
}
