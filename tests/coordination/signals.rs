//! Wake-ups.

use crate::world::World;
use samvad_actors::domain::{AttemptId, CampaignId, MachineVerdict, PhoneNumber};
use samvad_actors::ports::{CallTold, FleetCommand, FleetSignal};
use std::time::Duration;

pub const SOON: Duration = Duration::from_secs(10);

pub async fn a_command_reaches_every_subscriber_on_every_node(world: &World) {
    let mut subscribers = Vec::new();
    for node in &world.nodes {
        subscribers.push(node.subscribe().await.expect("available"));
    }
    let number = PhoneNumber::parse("+919876543210").expect("E.164");
    let commands = [
        FleetCommand::StopAll,
        FleetCommand::CampaignChanged(CampaignId::from("survey")),
        FleetCommand::CancelNumber(number),
        FleetCommand::CallTold {
            attempt: AttemptId::from("a"),
            told: CallTold::Machine(MachineVerdict::Fax),
        },
        FleetCommand::CallTold {
            attempt: AttemptId::from("a"),
            told: CallTold::Over,
        },
    ];
    for (node, command) in world.nodes.iter().cycle().zip(&commands) {
        node.publish(command).await.expect("published");
    }
    for subscriber in &mut subscribers {
        for command in &commands {
            let signal = tokio::time::timeout(SOON, subscriber.next()).await.expect("in time");
            assert_eq!(signal, Some(FleetSignal::Command(command.clone())));
        }
    }
}
