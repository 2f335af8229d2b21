import type { ChatMessage } from "@nexusvibe/client";
import { SendHorizontal } from "lucide-react";
import { type SubmitEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { RoomView } from "../room/use-room.ts";
import { IconButton } from "../ui/icon-button.tsx";
import { useCall } from "./context.ts";

/** What was written, and where one writes. */
export function Chat({ view }: { view: RoomView }) {
  const { t } = useTranslation();
  const log = useRef<HTMLDivElement>(null);
  const { chat, me } = view;
  useEffect(() => {
    if (log.current) log.current.scrollTop = log.current.scrollHeight;
  }, [chat]);
  return (
    <>
      <div
        ref={log}
        data-testid="chat-log"
        role="log"
        aria-label={t("chat.log")}
        tabIndex={0}
        className="flex min-h-0 flex-1 flex-col overflow-y-auto p-4"
      >
        {chat.length === 0 && <p className="m-auto text-quiet">{t("chat.empty")}</p>}
        <ol className="flex flex-col gap-3">
          {chat.map((message) => (
            <Message key={message.id} message={message} own={message.participant === me?.id} />
          ))}
        </ol>
      </div>
      {me?.permissions.chat === false ? (
        <p className="border-t border-line p-4 text-sm text-quiet">{t("chat.forbidden")}</p>
      ) : (
        <ChatForm />
      )}
    </>
  );
}

function Message({ message, own }: { message: ChatMessage; own: boolean }) {
  const { i18n } = useTranslation();
  const sent = new Date(message.sent_at);
  return (
    <li
      className={`flex max-w-[88%] min-w-0 flex-col ${own ? "items-end self-end" : "items-start self-start"}`}
    >
      <p className="px-1 text-sm text-quiet">
        <span className="font-medium">{message.name}</span>{" "}
        <time dateTime={sent.toISOString()}>
          {sent.toLocaleTimeString(i18n.language, { timeStyle: "short" })}
        </time>
      </p>
      <p
        className={`max-w-full rounded-2xl px-3 py-1.5 whitespace-pre-wrap [overflow-wrap:anywhere] ${own ? "bg-accent text-on-accent" : "bg-raised"}`}
      >
        {message.text}
      </p>
    </li>
  );
}

function ChatForm() {
  const { t } = useTranslation();
  const { room, tell } = useCall();
  const [text, setText] = useState("");

  const send = (event: SubmitEvent) => {
    event.preventDefault();
    const said = text.trim();
    if (said === "") return;
    setText("");
    room.sendChat(said).catch(() => {
      setText((written) => written || said);
      tell(t("chat.failed"));
    });
  };

  return (
    <form
      onSubmit={send}
      className="flex items-center gap-2 border-t border-line p-2 max-md:pb-[max(0.5rem,env(safe-area-inset-bottom))]"
    >
      <input
        data-testid="chat-input"
        value={text}
        maxLength={4000}
        autoComplete="off"
        enterKeyHint="send"
        placeholder={t("chat.placeholder")}
        aria-label={t("chat.message")}
        onChange={({ target }) => setText(target.value)}
        className="min-h-11 min-w-0 flex-1 rounded-xl border border-line bg-canvas px-3"
      />
      <IconButton
        icon={SendHorizontal}
        type="submit"
        tone="active"
        size="small"
        className="size-11"
        data-testid="chat-send"
        label={t("chat.send")}
      />
    </form>
  );
}
