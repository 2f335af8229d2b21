import { Ellipsis, MicOff, PictureInPicture2, Pin, PinOff, UserMinus } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Tile } from "../room/tiles.ts";
import { IconButton } from "../ui/icon-button.tsx";
import { Menu, MenuItem, MenuLine } from "../ui/menu.tsx";
import { useCall } from "./context.ts";
import { ModerationItems } from "./moderation-items.tsx";

/** What one can do with a tile; most of it is for moderators. */
export function TileActions({ tile, video }: { tile: Tile; video: HTMLVideoElement | null }) {
  const { t } = useTranslation();
  const { room, actions, tell, askToRemove, pinned, pin } = useCall();
  const { person, kind, key } = tile;
  const { id, name, self } = person;
  const moderates = (room.me?.permissions.moderate ?? false) && !self;
  const isPinned = pinned === key;
  const floats = () => video?.requestPictureInPicture().catch(() => tell(t("notice.pipFailed")));
  return (
    <div className="absolute top-2 right-2 z-3 flex gap-1.5">
      {moderates && person.microphoneOn && kind === "camera" && (
        <IconButton
          icon={MicOff}
          size="small"
          tone="overlay"
          className="on-hover"
          data-testid="mute-them"
          label={t("tile.mute", { name })}
          onClick={() => actions.mute(id)}
        />
      )}
      {moderates && (
        <IconButton
          icon={UserMinus}
          size="small"
          tone="overlay"
          className="on-hover"
          data-testid="kick"
          label={t("tile.remove", { name })}
          onClick={() => askToRemove(person)}
        />
      )}
      <Menu
        trigger={
          <IconButton
            icon={Ellipsis}
            size="small"
            tone="overlay"
            className="on-demand"
            data-testid="tile-menu"
            label={t("tile.menu", { name })}
          />
        }
      >
        <MenuItem icon={isPinned ? PinOff : Pin} testId="pin" onSelect={() => pin(isPinned ? null : key)}>
          {t(isPinned ? "tile.unpin" : "tile.pin")}
        </MenuItem>
        {document.pictureInPictureEnabled && tile.picture.track !== null && (
          <MenuItem icon={PictureInPicture2} testId="pip" onSelect={() => void floats()}>
            {t("tile.pip")}
          </MenuItem>
        )}
        {moderates && <MenuLine />}
        {moderates && <ModerationItems person={person} />}
      </Menu>
    </div>
  );
}
